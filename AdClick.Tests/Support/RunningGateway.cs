using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A whole node in this process, on a port and in a folder of its own, with short intervals.</summary>
public class RunningGateway : IAsyncLifetime
{
    public const string AdminKey = "the-key-of-the-tests-0123456789";
    public const string Browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private GatewayHost _host = null!;

    public RunningGateway()
        : this(Path.Combine(Path.GetTempPath(), $"adclick-{Guid.NewGuid():N}")) { }

    internal RunningGateway(string folder) => Folder = folder;

    /// <summary>Folder of the node's data.</summary>
    public string Folder { get; }

    /// <summary>Partitions of its click log.</summary>
    internal int Partitions { get; init; } = 8;

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Calls without a key; redirects are not followed.</summary>
    public HttpClient Browsing { get; private set; } = null!;

    /// <summary>Calls with the administrator's key.</summary>
    public HttpClient Admin { get; private set; } = null!;

    /// <summary>The node's services.</summary>
    public IServiceProvider Services => _host.Application.Services;

    /// <summary>Settings of the node besides those of every test.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Whether it is ready soon after its first start.</summary>
    internal bool StartsReady { get; set; } = true;

    public virtual Task InitializeAsync() => StartsReady ? StartAsync() : StartNotReadyAsync();

    public virtual async Task DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Starts it on the data of the time before, if there was one, and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        await StartNotReadyAsync();
        await UntilReadyAsync();
    }

    /// <summary>Starts it and waits for nothing but its listening.</summary>
    public async Task StartNotReadyAsync()
    {
        _host = await GatewayHost.BuildAsync(
        [
            $"--AdClick:Data={Folder}", $"--AdClick:Partitions={Partitions}", $"--AdClick:AdminKey={AdminKey}", "--AdClick:FlushInterval=00:00:00.050", "--AdClick:CheckpointInterval=00:00:00.500",
            "--AdClick:RequestsPerSecondPerKey=100000", "--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=Warning", .. Settings,
        ]);
        await _host.Application.StartAsync();
        var addresses = Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Address = new Uri(addresses.First());
        Browsing = NewClient();
        Browsing.DefaultRequestHeaders.Add("User-Agent", Browser);
        Admin = NewClient();
        Admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
    }

    /// <summary>Waits until it says that it is ready.</summary>
    public Task UntilReadyAsync() => UntilAsync(async () => (await HealthAsync()).Status == HttpStatusCode.OK, "the node to be ready");

    /// <summary>Whether it says that it is ready, and what else it says.</summary>
    public async Task<(HttpStatusCode Status, string Body)> HealthAsync()
    {
        using var answer = await Browsing.GetAsync(new Uri("/healthz/ready", UriKind.Relative));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Stops it as SIGTERM does.</summary>
    public async Task StopAsync()
    {
        Browsing.Dispose();
        Admin.Dispose();
        await _host.Application.StopAsync();
        await _host.DisposeAsync();
    }

    /// <summary>Creates or changes an ad.</summary>
    public async Task PutAdAsync(string adId, string targetUrl = "https://example.com/", string status = "active", string advertiserId = "acme")
    {
        using var answer = await Admin.PutAsJsonAsync($"/v1/ads/{adId}", new { advertiserId, name = adId, targetUrl, status });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>A new click URL.</summary>
    public async Task<string> IssueAsync(string adId, string? placement = null)
    {
        using var answer = await Admin.PostAsJsonAsync("/v1/impressions", placement is null ? (object)new { adId } : new { adId, placement });
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return body.GetProperty("impressions")[0].GetProperty("clickUrl").GetString()!;
    }

    /// <summary>Opens a click URL as a browser does, with more or other headers.</summary>
    public async Task<HttpResponseMessage> ClickAsync(string clickUrl, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, clickUrl);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Browsing.SendAsync(request);
    }

    /// <summary>The totals of an ad over the last hour, once they are as expected.</summary>
    public async Task<JsonElement> WaitForTotalsAsync(string adId, Func<JsonElement, bool> expected, string what)
    {
        var last = default(JsonElement);
        await UntilAsync(
            async () =>
            {
                last = (await Admin.GetFromJsonAsync<JsonElement>($"/v1/ads/{adId}/clicks?to={DateTimeOffset.UtcNow.AddMinutes(2):yyyy-MM-ddTHH:mm:ssZ}")).GetProperty("total");
                return expected(last);
            },
            $"{what}; the last totals were {last}");
        return last;
    }

    /// <summary>Ends when the condition holds; it is looked at whenever a partition has posted, which each does at every flush tick.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var board = Services.GetRequiredService<PartitionBoard>();
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var change = board.NextChange;
            if (await condition())
            {
                return;
            }

            try
            {
                await change.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited {Patience} for {what}.", e);
            }
        }
    }

    private HttpClient NewClient() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
}
