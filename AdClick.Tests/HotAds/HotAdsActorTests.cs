using AdClick.Actors.HotAds;
using AdClick.Tests.Partitions;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Persistence.Sql;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.HotAds;

/// <summary>Two gateways in a cluster, every message between them serialized, with time in the test's hand.</summary>
public sealed class HotAdsActorTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
    private Gateway _first = null!;
    private Gateway _second = null!;

    public async Task InitializeAsync()
    {
        _first = new Gateway(_time);
        await _first.JoinAsync(_first);
        _second = new Gateway(_time);
        await _second.JoinAsync(_first);
    }

    public async Task DisposeAsync()
    {
        await _second.System.Terminate();
        await _first.System.Terminate();
    }

    [Fact]
    public async Task An_ad_that_is_hot_over_all_gateways_is_split_on_all_of_them_and_joined_when_it_has_cooled_down()
    {
        // 60 clicks/s on each: over 100 in all, and on neither alone.
        for (var second = 0; _first.Table.Of("a") == 1 || _second.Table.Of("a") == 1; second++)
        {
            Assert.True(second < 1_000, "The ad never became hot.");
            _first.Click(60);
            _second.Click(60);
            await PassSecondAsync();
        }

        Assert.Equal((2, 2), (_first.Table.Of("a"), _second.Table.Of("a")));
        Assert.Equal(1, _first.Table.Of("b"));

        for (var minute = 0; _first.Table.Of("a") > 1 || _second.Table.Of("a") > 1; minute++)
        {
            Assert.True(minute < 1_000, "The ad never cooled down.");
            _time.Advance(TimeSpan.FromMinutes(1));
            await PassSecondAsync();
        }
    }

    [Fact]
    public async Task A_gateway_that_joins_later_learns_of_the_splits()
    {
        for (var second = 0; _first.Table.Of("a") == 1; second++)
        {
            Assert.True(second < 1_000, "The ad never became hot.");
            _first.Click(900);
            await PassSecondAsync();
        }

        var third = new Gateway(_time);
        await third.JoinAsync(_first);
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            for (var change = third.Table.NextChange; third.Table.Of("a") != 16; change = third.Table.NextChange)
            {
                await change.WaitAsync(patience.Token);
            }
        }
        finally
        {
            await third.System.Terminate();
        }
    }

    // A second on the clock, and as long as it takes in truth until both have looked.
    private async Task PassSecondAsync()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        var looked = (_first.Table.NextChange, _second.Table.NextChange);
        _first.Look();
        _second.Look();
        await Task.WhenAll(looked.Item1, looked.Item2).WaitAsync(Patience);
    }

    private sealed class Gateway
    {
        private static readonly HotAdSettings Settings = new()
        {
            ClicksPerSecond = 100,
            After = TimeSpan.FromSeconds(3),
            CoolDown = TimeSpan.FromMinutes(10),
        };

        private readonly TrafficMeter _meter = new(Settings);
        private readonly AdTraffic _traffic = new("a");
        private readonly IActorRef _actor;

        public Gateway(TimeProvider time)
        {
            var config = ConfigurationFactory.ParseString(CountingNode.Quiet + "akka.actor.serialize-messages = on")
                .WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon"))))
                .WithFallback(SqlPersistence.DefaultConfiguration);
            System = ActorSystem.Create("adclick", config);
            _actor = System.ActorOf(HotAdsActor.Props(_meter, Table, Settings, time), "hot-ads");
        }

        public ActorSystem System { get; }

        public SubShardTable Table { get; } = new();

        public async Task JoinAsync(Gateway seed)
        {
            using var patience = new CancellationTokenSource(Patience);
            await Cluster.Get(System).JoinAsync(Cluster.Get(seed.System).SelfAddress, patience.Token);
        }

        public void Click(int clicks)
        {
            for (var i = 0; i < clicks; i++)
            {
                _meter.Clicked(_traffic);
            }
        }

        public void Look() => _actor.Tell(HotAdsActor.Tick.Look);
    }
}
