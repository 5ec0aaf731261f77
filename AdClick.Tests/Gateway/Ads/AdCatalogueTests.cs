using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Gateway.Ads;
using AdClick.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Ads;

public sealed class AdCatalogueTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-catalogue-").FullName;
    private readonly CapturedLog _log = new();
    private readonly LoggerFactory _loggers = new();
    private SqliteMetricsStore _sqlite = null!;
    private WatchedStore _store = null!;
    private AdCatalogue _catalogue = null!;

    public Task InitializeAsync()
    {
        _loggers.AddProvider(_log);
        _sqlite = SqliteMetricsStore.Open(Path.Combine(_folder, "metrics.db"), TimeProvider.System);
        _store = new WatchedStore(_sqlite, _sqlite);
        _catalogue = new AdCatalogue(_store, _loggers.CreateLogger<AdCatalogue>());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _catalogue.Dispose();
        await _sqlite.DisposeAsync();
        _loggers.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Every_ad_is_loaded_also_beyond_a_page()
    {
        for (var i = 0; i < 25; i++)
        {
            await PutAsync($"a{i}");
        }

        await _catalogue.LoadAsync(default);
        Assert.Equal(25, _catalogue.Count);
        Assert.True(_catalogue.TryGet("a24", out var ad));
        Assert.Equal("https://t.example/", ad.Target.Text);
        Assert.False(_catalogue.TryGet("A24", out _));
    }

    [Fact]
    public async Task A_change_is_known_after_the_next_poll()
    {
        await PutAsync("a1");
        await _catalogue.LoadAsync(default);
        await PutAsync("a1", AdStatus.Paused);
        await PutAsync("a2");
        await _catalogue.PollAsync(default);
        Assert.True(_catalogue.TryGet("a1", out var ad));
        Assert.Equal(AdStatus.Paused, ad.Ad.Status);
        Assert.True(_catalogue.TryGet("a2", out _));
    }

    [Fact]
    public async Task An_ad_that_is_not_known_yet_is_looked_up_once()
    {
        await _catalogue.LoadAsync(default);
        await PutAsync("a1");
        Assert.Equal("a1", (await _catalogue.FindAsync("a1", default))?.Ad.AdId);
        var reads = _store.ChangeReads;
        Assert.NotNull(await _catalogue.FindAsync("a1", default));
        Assert.Equal(reads, _store.ChangeReads);
    }

    [Fact]
    public async Task An_ad_that_does_not_exist_is_asked_for_once_between_two_polls()
    {
        await _catalogue.LoadAsync(default);
        Assert.Null(await _catalogue.FindAsync("a1", default));
        var reads = _store.ChangeReads;
        Assert.Null(await _catalogue.FindAsync("a1", default));
        Assert.Equal(reads, _store.ChangeReads);

        await _catalogue.PollAsync(default);
        await PutAsync("a1");
        Assert.NotNull(await _catalogue.FindAsync("a1", default));
    }

    [Fact]
    public async Task Many_who_look_for_ads_at_once_share_one_read_that_begins_after_them()
    {
        var entered = new TaskCompletionSource();
        var open = new TaskCompletionSource();
        _store.BeforeChanges = () =>
        {
            entered.TrySetResult();
            return open.Task;
        };
        var first = _catalogue.FindAsync("x", default).AsTask();
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(30));

        // The read that runs may have missed this one, so it must not be the answer.
        await PutAsync("a1");
        var waiting = Enumerable.Range(0, 100).Select(i => _catalogue.FindAsync(i == 0 ? "a1" : $"n{i}", default).AsTask()).ToArray();
        open.SetResult();
        Assert.Null(await first);
        Assert.Equal("a1", (await waiting[0])?.Ad.AdId);
        await Task.WhenAll(waiting);
        Assert.Equal(2, _store.ChangeReads);
    }

    [Fact]
    public async Task Unknown_ads_are_remembered_up_to_a_bound()
    {
        for (var i = 0; i < AdCatalogue.MaxUnknown; i++)
        {
            Assert.Null(await _catalogue.FindAsync($"n{i}", default));
        }

        var reads = _store.ChangeReads;
        Assert.Null(await _catalogue.FindAsync("n0", default));
        Assert.Equal(reads, _store.ChangeReads);
        Assert.Null(await _catalogue.FindAsync("beyond", default));
        Assert.Null(await _catalogue.FindAsync("beyond", default));
        Assert.Equal(reads + 2, _store.ChangeReads);
    }

    [Fact]
    public async Task With_the_store_away_known_ads_stay_and_unknown_ones_can_not_be_told()
    {
        await PutAsync("a1");
        await _catalogue.LoadAsync(default);
        _store.Fault = new MetricsStoreUnavailableException("away");
        Assert.NotNull(await _catalogue.FindAsync("a1", default));
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => _catalogue.FindAsync("a2", default).AsTask());
        _store.Fault = null;
        Assert.Null(await _catalogue.FindAsync("a2", default));
    }

    [Fact]
    public async Task Whoever_leaves_does_not_end_the_read_of_the_others()
    {
        await PutAsync("a1");
        var open = new TaskCompletionSource();
        _store.BeforeChanges = () => open.Task;
        using var leaving = new CancellationTokenSource();
        var left = _catalogue.FindAsync("a1", leaving.Token).AsTask();
        var stays = _catalogue.FindAsync("a1", default).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        open.SetResult();
        Assert.NotNull(await stays);
    }

    [Fact]
    public async Task The_refresher_goes_on_through_an_outage_and_says_so_once()
    {
        var time = new FakeTimeProvider();
        var reads = new SemaphoreSlim(0);
        _store.BeforeChanges = () =>
        {
            reads.Release();
            return Task.CompletedTask;
        };
        using var refresher = new AdCatalogueRefresher(_catalogue, time, _loggers.CreateLogger<AdCatalogueRefresher>());
        await refresher.StartAsync(default);
        Assert.True(await reads.WaitAsync(TimeSpan.FromSeconds(30)), "Waited 30 s for the first read of the ads.");

        _store.Fault = new MetricsStoreUnavailableException("away");
        var outages = _store.ChangeReads;
        while (_store.ChangeReads < outages + 3)
        {
            time.Advance(AdCatalogueRefresher.Interval);
            await Task.Yield();
        }

        _store.Fault = null;
        await PutAsync("a1");
        while (!_catalogue.TryGet("a1", out _))
        {
            time.Advance(AdCatalogueRefresher.Interval);
            await Task.Yield();
        }

        await refresher.StopAsync(default);
        Assert.Single(_log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        Assert.Single(_log.Lines, line => line.Contains("can be read again", StringComparison.Ordinal));
    }

    private Task<PutAdResult> PutAsync(string adId, AdStatus status = AdStatus.Active) =>
        _store.PutAdAsync(new Ad(adId, "adv1", "n", "https://t.example/", status, null), default);
}
