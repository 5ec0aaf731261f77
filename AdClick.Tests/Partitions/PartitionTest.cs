using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>Tests of one partition under a real journal, with a log and a store that they can interfere with.</summary>
public abstract class PartitionTest : IAsyncLifetime
{
    private TestJournal? _journal;
    private PartitionHarness? _harness;

    private protected const int Minute = (int)(TestClick.Start / 60_000);

    /// <summary>Partition 0 of it is what is tested.</summary>
    private protected InMemoryClickLog Log { get; } = new(1);

    private protected InMemoryMetricsStore Store { get; } = new();

    private protected TestFolder Folder { get; } = new();

    /// <summary>Journal and snapshots: SQLite's files in the folder, unless the test chose others.</summary>
    private protected TestJournal Journal => _journal ??= TestJournal.OpenSqlite(Folder);

    private protected PartitionHarness Harness
    {
        get => _harness ??= new PartitionHarness(Journal);
        set => _harness = value;
    }

    /// <summary>The partition's name in the journal.</summary>
    private protected string PersistenceId => PartitionActor.PersistenceIdOf(Log.Identity.Epoch, 0);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_harness is not null)
        {
            await _harness.DisposeAsync();
        }

        if (_journal is not null)
        {
            await _journal.DisposeAsync();
        }

        Folder.Dispose();
    }

    /// <summary>Chooses the journal; the first thing that a test does.</summary>
    private protected async Task UseAsync(JournalKind kind) => _journal = await TestJournal.OpenAsync(kind, Folder);

    /// <summary>Appends a click of each of some impressions of one ad.</summary>
    private protected void Append(int firstImpression, int count)
    {
        for (var i = 0; i < count; i++)
        {
            // Nonces differ, so that what is clicked again is a duplicate.
            Log.Append(0, TestClick.Start, TestClick.Record("ad", firstImpression + i, (ulong)Log.RangeOf(0).End + 1, TestClick.Start));
        }
    }

    /// <summary>Appends a click of each of some ads.</summary>
    private protected void AppendAds(int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            Log.Append(0, TestClick.Start, TestClick.Record($"ad{i}", i, 1, TestClick.Start));
        }
    }

    private protected void Mark(long timeMs) => Log.Append(0, timeMs, TestClick.Mark("gateway", timeMs, timeMs));

    /// <summary>What <see cref="Append"/> has written is counted so, and nothing else.</summary>
    private protected void AssertCounts(long accepted, long duplicates)
    {
        Assert.Equal(accepted, Store.Counts()[("ad", 0, Minute, ClickOutcome.Accepted)]);
        Assert.Equal(duplicates, Store.Counts().GetValueOrDefault(("ad", 0, Minute, ClickOutcome.Duplicate)));
        Assert.Equal(accepted + duplicates, Store.Counts().Values.Sum());
    }

    /// <summary>Asks for a flush, which posts the status, until the status is as wanted.</summary>
    private protected async Task TellFlushUntilAsync(IActorRef entity, PartitionContext context, Func<PartitionStatus, bool> condition)
    {
        var partition = Harness.System.ActorSelection(entity.Path / "*");
        await Board.WaitForAsync(
            context.Board,
            board =>
            {
                partition.Tell(PartitionActor.Tick.Flush);
                return board.Any(condition);
            },
            "the clicks to be counted");
    }

    private protected static Task PausedAsync(PartitionContext context) => Board.WaitForAsync(
        context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
}
