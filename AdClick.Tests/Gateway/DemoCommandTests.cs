using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;
using TemporaryFolder = AdClick.Tests.ClickLog.TemporaryFolder;

namespace AdClick.Tests.Gateway;

[Collection(HeavyTests.Name)]
public sealed class DemoCommandTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task It_serves_two_days_of_history_and_live_traffic_and_goes_on_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");
        string[] arguments = ["demo", $"--AdClick:Data={Path.Combine(folder.Path, "demo")}", "--urls", url];
        string key;
        long clicks;
        using (var demo = new GatewayProgram(arguments))
        {
            await demo.WaitForOutputAsync("clicks are in the log", "sign in with", "Ctrl-C");
            key = Regex.Match(demo.Output, "advertiser brightside +(adc_\\S+)").Groups[1].Value;
            using var client = ClientOf(url, key);

            // Every hour but the one that has just begun, complete; and what is clicked now comes on top.
            var first = await UntilAsync(client, report => Hours(report).Count(hour => hour > 0) >= 48, "48 hours of clicks");
            Assert.True(Total(first, "duplicates") > 0 && Total(first, "invalid") > 0, first.ToString());
            clicks = Total(first, "clicks");
            await UntilAsync(client, report => Total(report, "clicks") > clicks, "live clicks");

            using var foreign = await client.GetAsync("/v1/advertisers/velora/clicks");
            Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
            demo.Terminate();
            Assert.Equal(0, await demo.WaitForExitAsync());
        }

        using var again = new GatewayProgram(arguments);
        await again.WaitForOutputAsync("sign in with", key);
        using var second = ClientOf(url, key);
        await UntilAsync(second, report => Total(report, "clicks") > clicks, "the clicks of before and more");
    }

    [Theory]
    [InlineData("--AdClick:Database=postgres", "--ConnectionStrings:AdClick=Host=localhost;Database=none")]
    [InlineData("--AdClick:ClickLog=kafka", "--AdClick:Kafka:BootstrapServers=localhost:1")]
    public async Task It_keeps_its_invented_clicks_out_of_anybodys_counts(string setting, string where)
    {
        using var folder = new TemporaryFolder();
        var (exitCode, output) = await GatewayProgram.RunAsync(
            "demo", $"--AdClick:Data={folder.Path}", setting, where, "--AdClick:AdminKey=0123456789abcdef", "--AdClick:SigningKeys:k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        Assert.Equal(2, exitCode);
        Assert.Contains("The demo runs on the embedded log and SQLite", output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    private static HttpClient ClientOf(string url, string key)
    {
        var client = new HttpClient { BaseAddress = new Uri(url) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    private static async Task<JsonElement> UntilAsync(HttpClient client, Predicate<JsonElement> condition, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        var last = default(JsonElement);
        while (!patience.IsCancellationRequested)
        {
            var from = DateTimeOffset.UtcNow.AddHours(-48);
            using var answer = await client.GetAsync($"/v1/advertisers/brightside/clicks?granularity=hour&from={from:yyyy-MM-ddTHH:mm:ssZ}");
            if (answer.IsSuccessStatusCode && condition(last = await answer.Content.ReadFromJsonAsync<JsonElement>()))
            {
                return last;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException($"Waited {Patience} for {what}; the last answer was {last}.");
    }

    private static long Total(JsonElement report, string name) => report.GetProperty("total").GetProperty(name).GetInt64();

    private static IEnumerable<long> Hours(JsonElement report) => report.GetProperty("series").EnumerateArray().Select(bucket => bucket.GetProperty("clicks").GetInt64());
}
