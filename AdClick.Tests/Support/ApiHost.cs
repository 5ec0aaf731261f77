using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Gateway.Api;
using AdClick.Gateway.Live;
using AdClick.Gateway.Metrics;
using AdClick.Gateway.Proofs;
using Akka.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>The JSON API alone, on a real server and a real store, with time in the test's hand.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string AdminKey = "the-admin-key-of-the-tests";
    public const string PublicUrl = "https://clicks.example";

    /// <summary>It is this time until a test says otherwise.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 24, 1, 30, 20, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-api-").FullName;
    private readonly List<HttpClient> _clients = [];
    private WebApplication _app = null!;
    private SqliteMetricsStore _sqlite = null!;

    private ApiHost() { }

    public FakeTimeProvider Time { get; } = new(Now);

    public WatchedStore Store { get; private set; } = null!;

    /// <summary>The store itself.</summary>
    public SqliteMetricsStore Sqlite => _sqlite;

    public CapturedLog Log { get; } = new();

    public SigningKeyRing SigningKeys { get; } = new([new SigningKey("k1", new byte[SigningKey.SecretLength])], "k1");

    /// <summary>The log of the clicks that receipts are made of: two partitions.</summary>
    public InMemoryClickLog ClickLog { get; } = new(2);

    public FolderLake Lake { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public IServiceProvider Services => _app.Services;

    /// <summary>With the admin key.</summary>
    public HttpClient Admin { get; private set; } = null!;

    /// <summary>Without a key.</summary>
    public HttpClient Anonymous { get; private set; } = null!;

    public static async Task<ApiHost> StartAsync(
        int requestsPerSecond = 1_000_000,
        MetricsGatewaySettings? metrics = null,
        Action<WebApplication>? map = null,
        string? adminKey = AdminKey,
        LiveClicksSettings? live = null,
        bool hasLake = true)
    {
        var host = new ApiHost();
        host.Lake = new FolderLake(Path.Combine(host._folder, "lake"));
        host._sqlite = SqliteMetricsStore.Open(Path.Combine(host._folder, "metrics.db"), host.Time);
        host.Store = new WatchedStore(host._sqlite, host._sqlite);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(host.Log);
        builder.Services.AddSingleton<TimeProvider>(host.Time);
        builder.Services.AddSingleton<IMetricsStore>(host.Store);
        builder.Services.AddSingleton<ICatalogueStore>(host.Store);
        builder.Services.AddSingleton<IReconciliationStore>(host._sqlite);
        builder.Services.AddSingleton(host.SigningKeys);
        builder.Services.AddSingleton<IRepeatStore>(host._sqlite);
        builder.Services.AddSingleton<ILakeUpkeepStore>(host._sqlite);
        builder.Services.AddSingleton(new ReceiptAccess(
            hasLake
                ? new ClickReceipts(
                    host.ClickLog, host._sqlite, host.Store, host.Lake,
                    new ReceiptSettings { ImpressionLifetime = TimeSpan.FromHours(24), AllowedLateness = TimeSpan.FromHours(1), MaxLogRecords = 1_000 }, host.Time)
                : null));
        if (metrics is not null)
        {
            builder.Services.AddSingleton(metrics);
        }

        if (live is not null)
        {
            builder.Services.AddSingleton(live);
        }

        builder.Services.AddAdClickApi(_ => new ApiSettings
        {
            AdminKey = adminKey,
            PublicUrl = () => PublicUrl,
            ImpressionLifetime = TimeSpan.FromHours(24),
            RequestsPerSecondPerKey = requestsPerSecond,
        });
        builder.Services.AddAkka("api-tests", akka => akka.AddAdClickMetricsGateway());
        host._app = builder.Build();
        host._app.UseAdClickApi();
        host._app.MapAdClickApi();
        map?.Invoke(host._app);
        await host._app.StartAsync();
        host.Address = new Uri(host._app.Urls.Single());
        host.Admin = host.WithKey(AdminKey);
        host.Anonymous = host.WithKey(null);
        return host;
    }

    public HttpClient WithKey(string? key)
    {
        var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        _clients.Add(client);
        return client;
    }

    public async Task<HttpClient> WithNewKeyAsync(string scope, string? advertiserId = null, string? name = null)
    {
        var body = new JsonObject { ["name"] = name ?? $"{scope}-{Guid.NewGuid():N}", ["scope"] = scope };
        if (advertiserId is not null)
        {
            body["advertiserId"] = advertiserId;
        }

        using var response = await Admin.PostAsync("/v1/keys", Json(body.ToJsonString()));
        return WithKey((string)(await JsonOfAsync(response, HttpStatusCode.Created))["key"]!);
    }

    public async Task PutAdAsync(string adId, string advertiserId = "adv1", string status = "active")
    {
        using var response = await Admin.PutAsync($"/v1/ads/{adId}", Json(AdJson(advertiserId, status)));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public static string AdJson(string advertiserId = "adv1", string status = "active") =>
        $$"""{"advertiserId": "{{advertiserId}}", "name": "Shoes", "targetUrl": "https://shop.example/?c={click_id}", "status": "{{status}}"}""";

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    /// <summary>Writes clicks into the store, as partition 0 would.</summary>
    public async Task FlushAsync(params MinuteCount[] counts)
    {
        var log = new LogIdentity(new Guid(1, 2, 3, new byte[8]), 1);
        var progress = await _sqlite.AcquireAsync(log, 0, default);
        var clock = Now.ToUnixTimeMilliseconds();
        await _sqlite.FlushAsync(
            new PartitionFlush
            {
                Progress = progress with
                {
                    ClockMs = clock,
                    AllowedLatenessMs = 3_600_000,
                    FlushedOffset = progress.FlushedOffset + counts.Length,
                    Marks = [new GatewayMark("g1", clock, clock)],
                },
                Counts = counts,
                LateClicks = [],
                Rejected = [],
            },
            default);
    }

    /// <summary>Minute number of a time.</summary>
    public static int Minute(DateTimeOffset time) => (int)(time.ToUnixTimeSeconds() / 60);

    public static async Task<JsonObject> JsonOfAsync(HttpResponseMessage response, HttpStatusCode expected = HttpStatusCode.OK)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == expected, $"Expected {expected}, but it is {response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Checks that the answer is a problem of this kind in all its parts.</summary>
    public static async Task<JsonObject> ProblemOfAsync(HttpResponseMessage response, ProblemKind kind)
    {
        var problem = await JsonOfAsync(response, (HttpStatusCode)kind.Status);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(kind.Type, (string?)problem["type"]);
        Assert.Equal(kind.Status, (int?)problem["status"]);
        Assert.Equal(kind.Title, (string?)problem["title"]);
        Assert.NotEmpty((string?)problem["detail"] ?? "");
        Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
        return problem;
    }

    /// <summary>Stops the server as SIGTERM does; what is asked for afterwards finds nobody.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        await _app.StopAsync();
        await _app.DisposeAsync();
        await _sqlite.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
