using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>A whole node with clicks of some hours ago: reconciled by the command, damaged, and reconciled again.</summary>
public sealed class ReconciliationOnGatewayTests
{
    private const int Clicks = 40;

    private static readonly DateTimeOffset Hour = DateTimeOffset.UnixEpoch.AddHours(Math.Floor((DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalHours) - 5);

    private static string From => Hour.ToString("yyyy-MM-ddTHH'Z'", CultureInfo.InvariantCulture);

    private static string To => Hour.AddHours(1).ToString("yyyy-MM-ddTHH'Z'", CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_damaged_count_is_found_corrected_and_told()
    {
        var gateway = new ReconcilingGateway();
        await FillLogAsync(gateway);
        await gateway.StartAsync();
        try
        {
            await gateway.PutAdAsync("a1");
            await gateway.UntilAsync(async () => (await ReconcileAsync(gateway)).Contains(" | match | ", StringComparison.Ordinal), "the hour to be archived and to match");
            Assert.Equal(("MATCH", Clicks + 1L, (long?)Clicks), await BucketAsync(gateway));
            Assert.Equal((Clicks, "reconciled"), await ClicksAsync(gateway));

            var store = (SqliteMetricsStore)gateway.Services.GetRequiredService<IMetricsStore>();
            await store.RunOnWriterAsync(database =>
            {
                database.Execute("UPDATE minute_cells SET clicks = clicks - 1 WHERE cell = (SELECT min(cell) FROM minute_cells WHERE cell & 7 = 0)");
                return true;
            });
            var output = await ReconcileAsync(gateway);
            Assert.Contains(" | mismatch | ", output, StringComparison.Ordinal);
            Assert.Contains($"a1 | {Hour:yyyy-MM-ddTHH:mm}Z | accepted | 0 | 1", output, StringComparison.Ordinal);
            Assert.Equal(("MISMATCH", Clicks + 1L, (long?)Clicks), await BucketAsync(gateway));
            await gateway.UntilAsync(async () => await ClicksAsync(gateway) == (Clicks, "reconciled"), "the corrected answer");
            Assert.Matches(@"adclick_reconciliation_mismatches_total\S* [1-9]", await MetricsAsync(gateway));

            await AssertOthersLearnNothingAsync(gateway);
            await AssertRulesAsync(gateway);
            await AssertConsoleAsync(gateway);
        }
        finally
        {
            await gateway.DisposeAsync();
        }
    }

    private static async Task AssertOthersLearnNothingAsync(ReconcilingGateway gateway)
    {
        using var created = await gateway.Admin.PostAsJsonAsync("/v1/keys", new { name = "other", scope = "advertiser", advertiserId = "other" });
        using var other = new HttpClient { BaseAddress = gateway.Address };
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, (await other.GetAsync(new Uri("/v1/ads/a1/reconciliation", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Admin.GetAsync(new Uri("/v1/ads/nobody/reconciliation", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.Admin.GetAsync(new Uri("/v1/ads/a1/reconciliation?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", UriKind.Relative))).StatusCode);
    }

    // The browser of these clicks becomes a bot; nothing changes before that is applied.
    private static async Task AssertRulesAsync(ReconcilingGateway gateway)
    {
        Directory.CreateDirectory(Path.Combine(gateway.Folder, "bots"));
        await File.WriteAllLinesAsync(Path.Combine(gateway.Folder, "bots", "strict.txt"), ["# A list", "browser Mozilla/", "bot Firefox"]);
        Assert.Contains($"accepted | {Clicks - 1} | 0", await ReconcileAsync(gateway, "--rules", "--bots", "strict"), StringComparison.Ordinal);
        Assert.Contains($"expired | 0 | {Clicks + 1}", await ReconcileAsync(gateway, "--rules", "--lifetime", "00:00:01"), StringComparison.Ordinal);
        Assert.Equal((Clicks, "reconciled"), await ClicksAsync(gateway));
        Assert.Contains("say --yes", await ReconcileAsync(gateway, "--rules", "--bots", "strict", "--apply"), StringComparison.Ordinal);

        await ReconcileAsync(gateway, "--rules", "--bots", "strict", "--apply", "--yes");
        await gateway.UntilAsync(async () => await ClicksAsync(gateway) == (0, "reconciled"), "the answer by other rules");
        await ReconcileAsync(gateway);
        await gateway.UntilAsync(async () => await ClicksAsync(gateway) == (Clicks, "reconciled"), "the answer by the rules of the counting");
    }

    private static async Task AssertConsoleAsync(ReconcilingGateway gateway)
    {
        var (code, output) = await PbmAsync(gateway, "clicks", "runs", "-n", "1");
        Assert.Equal(0, code);
        Assert.Matches($@"^\d+ \| {From} to {To} \| mismatch \| requested \| \S.* \| {Clicks + 1} \| ", output);

        (code, output) = await PbmAsync(gateway, "clicks", "receipts", "-i", FirstImpression.ToString());
        Assert.Equal(0, code);
        Assert.Collection(
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            first => Assert.Matches(@"^a1 \| 0 \| accepted \| .* \| clicks/date=", first),
            second => Assert.Matches(@"^a1 \| 0 \| duplicate \| .* \| clicks/date=", second));
        Assert.Equal((0, output), await PbmAsync(gateway, "clicks", "receipts", "-i", FirstImpression.ToString(), "-a", "a1"));

        (code, output) = await PbmAsync(gateway, "clicks", "receipts", "-i", ImpressionId.New(Hour).ToString());
        Assert.Equal(1, code);
        Assert.StartsWith("No click of impression ", output, StringComparison.Ordinal);
        (code, output) = await PbmAsync(gateway, "clicks", "receipts", "-i", "nonsense");
        Assert.Equal(1, code);
        Assert.StartsWith("--id must be a click ID", output, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Output)> PbmAsync(ReconcilingGateway gateway, params string[] command) =>
        GatewayProgram.RunAsync(["pbm", $"{gateway.Address.Host}:{gateway.Address.Port}", .. command, $"--AdClick:AdminKey={RunningGateway.AdminKey}"]);

    private static async Task FillLogAsync(ReconcilingGateway gateway)
    {
        var time = new FakeTimeProvider(Hour);
        await using var log = EmbeddedClickLog.Open(Path.Combine(gateway.Folder, "log"), gateway.Partitions, time);
        var partition = new AdKey("a1", 0).Partition(gateway.Partitions);
        for (var click = 0; click <= Clicks; click++)
        {
            var issued = ImpressionId.New(time.GetUtcNow().AddSeconds(-2));
            var isAgain = click == Clicks; // the last one's impression is the first one's
            var record = new LogRecord
            {
                Click = new Click
                {
                    Nonce = (ulong)click,
                    ImpressionHigh = isAgain ? FirstImpression.High : issued.High,
                    ImpressionLow = isAgain ? FirstImpression.Low : issued.Low,
                    ExpiresAtMs = Hour.AddMinutes(59).ToUnixTimeMilliseconds(),
                    AdId = "a1",
                    ClickTimeMs = time.GetUtcNow().ToUnixTimeMilliseconds(),
                    UserAgent = RunningGateway.Browser,
                },
            };
            FirstImpression = click == 0 ? issued : FirstImpression;
            await log.AppendAsync(partition, "a1/0"u8, record.ToByteArray());
            time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private static ImpressionId FirstImpression { get; set; }

    private static async Task<string> ReconcileAsync(ReconcilingGateway gateway, params string[] rules)
    {
        var (_, output) = await GatewayProgram.RunAsync(
            ["reconcile", $"{gateway.Address.Host}:{gateway.Address.Port}", "--from", From, "--to", To, $"--AdClick:AdminKey={RunningGateway.AdminKey}", .. rules]);
        return output;
    }

    private static async Task<(string? State, long Logged, long? Accepted)> BucketAsync(ReconcilingGateway gateway)
    {
        var answer = await gateway.Admin.GetFromJsonAsync<JsonElement>($"/v1/ads/a1/reconciliation?from={Hour:yyyy-MM-ddTHH:mm:ssZ}&to={Hour.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}");
        var bucket = answer.GetProperty("buckets").EnumerateArray().Single();
        var run = answer.GetProperty("runs").EnumerateArray().Single();
        Assert.Equal(run.GetProperty("run").GetInt64(), bucket.GetProperty("runs").EnumerateArray().Single().GetInt64());
        Assert.Equal(64, run.GetProperty("files")[0].GetProperty("sha256").GetString()!.Length);
        Assert.Equal(gateway.Partitions, run.GetProperty("offsets").GetArrayLength());
        Assert.Equal(1, bucket.GetProperty("recounted").GetProperty("duplicate").GetInt64());
        return (bucket.GetProperty("state").GetString(), bucket.GetProperty("logged").GetInt64(), bucket.GetProperty("recounted").GetProperty("accepted").GetInt64());
    }

    private static async Task<(long Clicks, string? State)> ClicksAsync(ReconcilingGateway gateway)
    {
        var answer = await gateway.Admin.GetFromJsonAsync<JsonElement>(
            $"/v1/ads/a1/clicks?granularity=hour&from={Hour:yyyy-MM-ddTHH:mm:ssZ}&to={Hour.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}");
        var bucket = answer.GetProperty("series").EnumerateArray().Single();
        return (bucket.GetProperty("clicks").GetInt64(), bucket.GetProperty("state").GetString());
    }

    private static Task<string> MetricsAsync(ReconcilingGateway gateway) => gateway.Admin.GetStringAsync(new Uri("/metrics", UriKind.Relative));

    private sealed class ReconcilingGateway : RunningGateway
    {
        protected override IEnumerable<string> Settings =>
            ["--AdClick:Lake:MaxAge=00:00:01", "--AdClick:AllowedLateness=00:01:00", "--AdClick:ImpressionLifetime=01:00:00", "--AdClick:Reconciliation:Schedule=off"];
    }
}
