using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Persistence.Sql;

namespace AdClick.Tests.Partitions;

/// <summary>
/// An actor system without a cluster, on the settings of akka.hocon and a real journal, for tests that start and stop partitions many times.
/// </summary>
internal sealed class PartitionHarness : IAsyncDisposable
{
    private static readonly Lazy<Config> Settings = new(() =>
        ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon")))
            .WithFallback(SqlPersistence.DefaultConfiguration));

    private readonly TestFolder? _folder;

    /// <summary>A system on a journal; on a SQLite one of its own that is deleted at the end, if none is given.</summary>
    public PartitionHarness(TestJournal? journal = null, string hocon = "", params Setup[] setups)
    {
        journal ??= TestJournal.OpenSqlite(_folder = new TestFolder());
        var config = ConfigurationFactory.ParseString(CountingNode.Quiet + "akka.actor.provider = local\n" + journal.Hocon + hocon)
            .WithFallback(Settings.Value);
        var all = setups.Aggregate(ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config)), (sum, setup) => sum.And(setup));
        System = ActorSystem.Create("adclick", all);
    }

    public ActorSystem System { get; }

    /// <summary>What partitions of a log share.</summary>
    public static PartitionContext Context(IClickLog log, IMetricsStore store, PartitionSettings? settings = null) =>
        new(log, store, new PartitionBoard(), settings ?? CountingNode.FastSettings, TimeProvider.System);

    /// <summary>Starts a partition, as sharding would.</summary>
    public IActorRef Start(PartitionContext context, int partition = 0) => System.ActorOf(PartitionEntity.Props(context, partition));

    /// <summary>Stops partitions gracefully, as sharding does in a hand-off, and waits until they are gone.</summary>
    public static async Task HandOffAsync(params IActorRef[] entities)
    {
        foreach (var entity in entities)
        {
            entity.Tell(PartitionCommands.HandOff.Instance);
        }

        await WaitUntilStoppedAsync(entities);
    }

    /// <summary>Stops partitions in the midst of whatever they do.</summary>
    public void Stop(params IActorRef[] entities)
    {
        foreach (var entity in entities)
        {
            System.Stop(entity);
        }
    }

    public static async Task WaitUntilStoppedAsync(params IActorRef[] entities)
    {
        foreach (var entity in entities)
        {
            // A watch that never ends would hang the whole run.
            await entity.WatchAsync().WaitAsync(TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>Ends when the whole log is in the store.</summary>
    public static Task WaitUntilFlushedAsync(IClickLog log, InMemoryMetricsStore store) => store.WaitForAsync(
        log.Identity.Epoch,
        rows => Enumerable.Range(0, log.Identity.Partitions).All(p =>
            log.RangeOf(p).End is var end && (end == 0 || rows.Any(row => row.Partition == p && row.FlushedOffset == end))),
        "the whole log to be flushed");

    public async ValueTask DisposeAsync()
    {
        await System.Terminate();
        _folder?.Dispose();
    }
}
