using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>What an operator sees of the executable.</summary>
public sealed class ProgramTests : IDisposable
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

    [Theory]
    [InlineData("--AdClick:Partitions=0", "AdClick:Partitions")]
    [InlineData("--AdClick:Partitons=4", "AdClick:Partitons")]
    [InlineData("srve", "srve")]
    public async Task What_is_wrong_on_the_command_line_is_named_and_ends_with_code_2(string argument, string named)
    {
        var (exitCode, output) = await GatewayProgram.RunAsync([argument, .. Settings]);
        Assert.Equal(2, exitCode);
        Assert.Contains(named, output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_data));
    }

    [Fact]
    public async Task A_node_serves_prints_click_urls_refuses_a_second_one_on_its_folder_and_stops_cleanly()
    {
        using var program = new GatewayProgram(Settings);
        await program.WaitUntilReadyAsync();

        var second = await GatewayProgram.RunAsync($"--AdClick:Data={_data}", "--urls=http://127.0.0.1:0");
        Assert.Equal(2, second.ExitCode);
        Assert.Contains("Another process", second.Output, StringComparison.Ordinal);

        using var admin = Admin();
        await ClickThreeImpressionsAsync(admin);
        program.Terminate();
        Assert.Equal(0, await program.WaitForExitAsync());

        Assert.DoesNotContain(RunningGateway.AdminKey, program.Output, StringComparison.Ordinal);

        var again = new RunningGateway(_data);
        await again.StartAsync();
        var total = await again.WaitForTotalsAsync("a1", total => total.GetProperty("clicks").GetInt64() == 3, "the three clicks after the restart");
        Assert.Equal(0, total.GetProperty("duplicates").GetInt64());
        await again.StopAsync();
    }

    [Theory]
    [InlineData("metrics.db")]
    [InlineData("journal.db")]
    [InlineData("snapshots.db")]
    public async Task A_damaged_database_is_named_and_ends_the_start_with_code_2(string file)
    {
        Directory.CreateDirectory(_data);
        var path = Path.Combine(_data, file);
        await File.WriteAllTextAsync(path, new string('x', 8192));
        var (exitCode, output) = await GatewayProgram.RunAsync(Settings);
        Assert.Equal(2, exitCode);
        Assert.Contains(path, output, StringComparison.Ordinal);
        Assert.Equal(8192, new FileInfo(path).Length);
    }

    [Fact]
    public async Task An_address_in_use_is_named_and_ends_the_start_with_code_2()
    {
        using var other = new System.Net.Sockets.TcpListener(IPAddress.Loopback, new Uri(_url).Port);
        other.Start();
        var (exitCode, output) = await GatewayProgram.RunAsync(Settings);
        Assert.Equal(2, exitCode);
        Assert.Contains($"AdClick does not start. Failed to bind to address {_url}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_listener_for_metrics_asks_no_key_and_shows_nothing_else()
    {
        var metrics = $"http://127.0.0.1:{ChildProcess.FreePort()}";
        using var program = new GatewayProgram([.. Settings, $"--AdClick:MetricsUrl={metrics}"]);
        await program.WaitUntilReadyAsync();
        using var http = new HttpClient();
        Assert.Contains("adclick_ready", await http.GetStringAsync(new Uri($"{metrics}/metrics")), StringComparison.Ordinal);
        using var api = await http.GetAsync(new Uri($"{metrics}/healthz/live"));
        Assert.Equal(HttpStatusCode.NotFound, api.StatusCode);
        using var refused = await http.GetAsync(new Uri($"{_url}/metrics"));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        using var admin = Admin();
        using var allowed = await admin.GetAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    [Fact]
    public async Task A_log_that_was_lost_while_its_counts_stayed_is_refused()
    {
        using (var program = new GatewayProgram(Settings))
        {
            await program.WaitUntilReadyAsync();
            using var admin = Admin();
            await ClickThreeImpressionsAsync(admin);
            program.Terminate();
            Assert.Equal(0, await program.WaitForExitAsync());
        }

        Directory.Delete(Path.Combine(_data, "log"), recursive: true);
        var (exitCode, output) = await GatewayProgram.RunAsync(Settings);
        Assert.Equal(2, exitCode);
        Assert.Contains("log", output, StringComparison.Ordinal);
    }

    private HttpClient Admin()
    {
        var admin = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(_url) };
        admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", RunningGateway.AdminKey);
        admin.DefaultRequestHeaders.Add("User-Agent", RunningGateway.Browser);
        return admin;
    }

    private async Task ClickThreeImpressionsAsync(HttpClient admin)
    {
        using var put = await admin.PutAsJsonAsync("/v1/ads/a1", new { advertiserId = "acme", name = "n", targetUrl = "https://example.com/", status = "active" });
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        var tokens = await GatewayProgram.RunAsync(["tokens", "--ad", "a1", "--count", "3", .. Settings]);
        Assert.Equal(0, tokens.ExitCode);
        var urls = tokens.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(3, urls.Distinct().Count());
        foreach (var url in urls)
        {
            using var click = await admin.GetAsync(new Uri(url));
            Assert.Equal(HttpStatusCode.Found, click.StatusCode);
        }
    }
}
