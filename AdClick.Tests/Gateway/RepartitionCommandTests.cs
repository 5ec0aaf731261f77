using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>Changing the number of partitions, as an operator does it (docs/operations.md).</summary>
public sealed class RepartitionCommandTests : IDisposable
{
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"adclick-{Guid.NewGuid():N}");
    private readonly string _url = $"http://127.0.0.1:{ChildProcess.FreePort()}";

    private string[] Settings => [$"--AdClick:Data={_data}", $"--urls={_url}", $"--AdClick:AdminKey={RunningGateway.AdminKey}"];

    public void Dispose()
    {
        if (Directory.Exists(_data))
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    [Fact]
    public async Task Clicks_before_and_after_the_change_are_counted_as_if_there_had_been_none()
    {
        string[] ads = ["a1", "a2", "a3", "a4", "a5", "a6"];
        var urls = new Dictionary<string, string[]>();
        using var admin = Admin();
        using (var program = new GatewayProgram([.. Settings, "--AdClick:Partitions=3"]))
        {
            await program.WaitUntilReadyAsync();
            var running = await RepartitionAsync(5);
            Assert.Equal(2, running.ExitCode);
            Assert.Contains("Another process", running.Output, StringComparison.Ordinal);
            foreach (var ad in ads)
            {
                using var put = await admin.PutAsJsonAsync($"/v1/ads/{ad}", new { advertiserId = "acme", name = "n", targetUrl = "https://example.com/", status = "active" });
                Assert.Equal(HttpStatusCode.Created, put.StatusCode);
                using var issued = await admin.PostAsJsonAsync("/v1/impressions", new { adId = ad, count = 4 });
                var impressions = (await issued.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("impressions");
                urls[ad] = [.. impressions.EnumerateArray().Select(impression => impression.GetProperty("clickUrl").GetString()!)];
                await ClickAsync(admin, urls[ad][..3]);
            }

            program.Terminate();
            Assert.Equal(0, await program.WaitForExitAsync());
        }

        var same = await RepartitionAsync(3);
        Assert.Equal(2, same.ExitCode);
        Assert.Contains("has 3 partitions already", same.Output, StringComparison.Ordinal);

        var change = await RepartitionAsync(5);
        Assert.True(change.ExitCode == 0, change.Output);
        Assert.Contains("18 impressions", change.Output, StringComparison.Ordinal);
        Assert.Contains("set AdClick:Partitions to 5", change.Output, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(_data, "log-*"));

        var forgotten = await GatewayProgram.RunAsync([.. Settings, "--AdClick:Partitions=3"]);
        Assert.Equal(2, forgotten.ExitCode);
        Assert.Contains("set AdClick:Partitions to 5", forgotten.Output, StringComparison.Ordinal);

        using var changed = new GatewayProgram([.. Settings, "--AdClick:Partitions=5", "--AdClick:FlushInterval=00:00:00.050"]);
        await changed.WaitUntilReadyAsync();
        foreach (var ad in ads)
        {
            await ClickAsync(admin, urls[ad][2..]); // one clicked before, one new
        }

        changed.Terminate();
        Assert.Equal(0, await changed.WaitForExitAsync());

        var again = new RunningGateway(_data) { Partitions = 5 };
        await again.StartAsync();
        foreach (var ad in ads)
        {
            var total = await again.WaitForTotalsAsync(ad, total => total.GetProperty("clicks").GetInt64() == 4, $"the clicks of {ad}");
            Assert.Equal(1, total.GetProperty("duplicates").GetInt64());
        }

        await again.StopAsync();
    }

    [Theory]
    [InlineData("0", 1, "--partitions must be 1 to 1024")]
    [InlineData("4", 2, "There is no click log in")]
    public async Task What_can_t_be_changed_is_refused_and_nothing_is_made(string partitions, int exitCode, string named)
    {
        var refused = await GatewayProgram.RunAsync(["repartition", "--partitions", partitions, .. Settings]);
        Assert.Equal(exitCode, refused.ExitCode);
        Assert.Contains(named, refused.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_data));
    }

    private Task<(int ExitCode, string Output)> RepartitionAsync(int partitions) =>
        GatewayProgram.RunAsync(["repartition", "--partitions", $"{partitions}", .. Settings]);

    private HttpClient Admin()
    {
        var admin = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(_url) };
        admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", RunningGateway.AdminKey);
        admin.DefaultRequestHeaders.Add("User-Agent", RunningGateway.Browser);
        return admin;
    }

    private static async Task ClickAsync(HttpClient http, string[] urls)
    {
        foreach (var url in urls)
        {
            using var click = await http.GetAsync(new Uri(url));
            Assert.Equal(HttpStatusCode.Found, click.StatusCode);
        }
    }
}
