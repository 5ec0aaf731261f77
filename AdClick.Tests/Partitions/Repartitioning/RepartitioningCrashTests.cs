using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using AdClick.Actors.Partitions.Repartitioning;
using AdClick.Gateway.Hosting;
using AdClick.Tests.Support;
using Akka.Actor;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Partitions.Repartitioning;

/// <summary>
/// The change from two partitions to three, on the embedded log with SQLite, is crashed before and after every single operation. Whether the node is started
/// then or the change tried again, no click is lost and none is counted twice (I1, I2).
/// </summary>
[Collection(HeavyTests.Name)]
public sealed class RepartitioningCrashTests
{
    private const int Before = 2;
    private const int After = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly PartitionSettings Settings = CountingNode.FastSettings with
    {
        AllowedLateness = TimeSpan.FromMilliseconds(RandomClicks.AllowedLatenessMs),
        CheckpointInterval = TimeSpan.FromHours(1), // at hand-offs
        FlushInterval = TimeSpan.FromMilliseconds(10),
        MinSnapshotBytes = 1,
        HandOffTimeout = TimeSpan.FromHours(1), // one that hangs is to be seen
    };

    [Fact]
    public async Task A_change_that_is_crashed_anywhere_leaves_the_old_log_or_the_new_one_and_the_counts_of_all_clicks()
    {
        await using var begun = new Node();
        await begun.ServeAsync(60);
        begun.Append(30); // the node was killed before it counted these
        var steps = await RunAsync(begun, null, 0, startsNode: false);
        foreach (var operation in (string[])[
            "log range", "journal replay", "journal sequence number", "journal write", "snapshot load", "store acquire", "store flush", "store move"])
        {
            Assert.Contains($"before {operation}", steps.Keys);
            Assert.Contains($"after {operation}", steps.Keys);
        }

        // Both ways for the switch itself, one or the other for what leads to it.
        var points = steps.SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (Step: step.Key, Occurrence: occurrence)))
            .SelectMany((point, i) => point.Step.EndsWith("store move", StringComparison.Ordinal)
                ? ((string, int, bool)[])[(point.Step, point.Occurrence, false), (point.Step, point.Occurrence, true)]
                : [(point.Step, point.Occurrence, i % 2 == 0)]);
        await Parallel.ForEachAsync(
            points, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (point, _) => await RunAsync(begun, point.Item1, point.Item2, point.Item3));
    }

    [Fact]
    public async Task A_switch_that_is_not_finished_is_finished_by_whoever_opens_the_folder_next()
    {
        // Killed: behind the switch; while old rows are deleted; between the two renames.
        foreach (var afterTheSwitch in (Func<Node, Task>[])[
            _ => Task.CompletedTask,
            node => new SqliteFormerLogsPurge(node.Folder["journal.db"], node.Folder["snapshots.db"]).PurgeAllButAsync(node.Folders.FindNext()!.Epoch, CancellationToken.None),
            node =>
            {
                Directory.Move(node.Folders.Current, node.Folders.FormerOf(node.Folders.FindCurrent()!.Epoch));
                return Task.CompletedTask;
            }])
        {
            await using var node = new Node();
            await node.ServeAsync(40);
            var old = node.Folders.FindCurrent()!;
            await node.ChangeAsync(new CrashPoint(null, 0), finishes: false);
            var next = node.Folders.FindNext()!;
            Assert.Equal(next, await node.StoredLogAsync());
            await afterTheSwitch(node);

            await node.ServeAsync(40);
            node.AssertCountsAllOnce("after the switch");
            Assert.Equal(next, node.Folders.FindCurrent());
            Assert.Null(node.Folders.FindNext());
            Assert.Equal(old, new EmbeddedLogFolders(node.Folders.FormerOf(old.Epoch)).FindCurrent());
            foreach (var file in (string[])["journal", "snapshot"])
            {
                var ids = node.PersistenceIds(file);
                Assert.All(ids, id => Assert.Contains($"{next.Epoch:N}", id, StringComparison.Ordinal));
            }

            Assert.Equal(After, node.PersistenceIds("journal").Count);
        }
    }

    private static async Task<IReadOnlyDictionary<string, int>> RunAsync(Node begun, string? step, int occurrence, bool startsNode)
    {
        await using var node = begun.Copy();
        var crash = new CrashPoint(step, occurrence);
        await node.ChangeAsync(crash, finishes: true);
        if (startsNode)
        {
            await node.ServeAsync(30);
        }

        await node.ChangeAsync(new CrashPoint(null, 0), finishes: true); // again, unless it is done
        Assert.Equal(After, node.Folders.FindCurrent()!.Partitions);
        await node.ServeAsync(30);
        node.AssertCountsAllOnce($"{step} {occurrence}, node started: {startsNode}");
        return crash.Steps;
    }

    /// <summary>A data folder, and what is done with it by one process after the other.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private static readonly EmbeddedLogOptions Sizes = new() { PageBytes = 16 * 1024, SegmentBytes = 32 * 1024 };

        private readonly RandomClicks _clicks = new(new Random(7));
        private readonly NaiveCount _naive = new(0, 1, RandomClicks.AllowedLatenessMs);
        private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(TestClick.Start));

        private int _taken;

        public Node() => Folders = new EmbeddedLogFolders(Folder["log"]);

        public TestFolder Folder { get; } = new();

        public EmbeddedLogFolders Folders { get; }

        /// <summary>The same once more, in a folder of its own.</summary>
        public Node Copy()
        {
            var copy = new Node();
            foreach (var folder in Directory.GetDirectories(Folder.Path, "*", SearchOption.AllDirectories))
            {
                Directory.CreateDirectory(folder.Replace(Folder.Path, copy.Folder.Path, StringComparison.Ordinal));
            }

            foreach (var file in Directory.GetFiles(Folder.Path, "*", SearchOption.AllDirectories))
            {
                File.Copy(file, file.Replace(Folder.Path, copy.Folder.Path, StringComparison.Ordinal));
            }

            for (var i = 0; i < _taken; i++)
            {
                copy.TakeNext();
            }

            return copy;
        }

        /// <summary>Starts on the folder as the node does, takes clicks, counts them and stops in good order.</summary>
        public async Task ServeAsync(int clicks)
        {
            await using var store = await OpenAsync();
            await using var log = EmbeddedClickLog.Open(Folder["log"], Folders.FindCurrent()?.Partitions ?? Before, _time, null, Sizes);
            await AppendAsync(log, clicks);
            await using var harness = new PartitionHarness(TestJournal.OpenSqlite(Folder));
            var context = PartitionHarness.Context(log, store, Settings);
            IActorRef[] entities = [.. Enumerable.Range(0, log.Identity.Partitions).Select(partition => harness.Start(context, partition))];
            await Board.WaitForAsync(
                context.Board,
                board => board.Count(status => status.Phase == PartitionPhase.Running && status.FlushedOffset == log.RangeOf(status.Partition).End)
                    == entities.Length,
                "the log to be flushed");
            await PartitionHarness.HandOffAsync(entities);
        }

        /// <summary>Takes clicks that nobody counts yet.</summary>
        public void Append(int clicks)
        {
            var log = EmbeddedClickLog.Open(Folder["log"], Folders.FindCurrent()!.Partitions, _time, null, Sizes);
            AppendAsync(log, clicks).Wait(Patience);
            log.DisposeAsync().AsTask().Wait(Patience);
        }

        /// <summary>Does what the command does, up to the crash.</summary>
        public async Task ChangeAsync(CrashPoint crash, bool finishes)
        {
            await using var store = await OpenAsync();
            if (Folders.FindCurrent()!.Partitions == After)
            {
                return;
            }

            Folders.DiscardNext();
            await using var old = EmbeddedClickLog.Open(Folders.Current, Before, _time, null, Sizes);
            await using var next = EmbeddedClickLog.Open(Folders.Next, After, _time, null, Sizes);
            var journal = TestJournal.OpenSqlite(Folder);
            await using (var harness = new PartitionHarness(journal, journal.CrashingHocon, new CrashPointSetup(crash)))
            {
                var context = PartitionHarness.Context(new CrashingLog(old, crash), new CrashingStore(store, crash), Settings);
                var change = new Repartitioner(harness.System, context, new CrashingLog(next, crash), _ => { }).RunAsync(default);
                if (await Task.WhenAny(change, crash.Crashed).WaitAsync(Patience) != change)
                {
                    return;
                }

                await change;
            }

            await next.DisposeAsync();
            await old.DisposeAsync();
            if (finishes)
            {
                using var folder = DataFolder.Open(Folder.Path);
                Assert.True(await LogChange.FinishAsync(folder, store, new SqliteFormerLogsPurge(folder.Journal, folder.Snapshots)));
            }
        }

        public async Task<LogIdentity?> StoredLogAsync()
        {
            await using var store = SqliteMetricsStore.Open(Folder["metrics.db"], _time);
            return await store.FindLogAsync(default);
        }

        public HashSet<string> PersistenceIds(string table)
        {
            using var connection = Connect(table == "journal" ? "journal.db" : "snapshots.db");
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT DISTINCT persistence_id FROM {table}";
            using var rows = command.ExecuteReader();
            var ids = new HashSet<string>();
            while (rows.Read())
            {
                ids.Add(rows.GetString(0));
            }

            return ids;
        }

        public void AssertCountsAllOnce(string what)
        {
            using var connection = Connect("metrics.db");
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT ad_id, sub_shard, minute, outcome, clicks FROM click_minute";
            using var rows = command.ExecuteReader();
            var counts = new List<string>();
            while (rows.Read())
            {
                counts.Add($"{rows.GetString(0)}/{rows.GetInt32(1)} {rows.GetInt32(2)} {(ClickOutcome)rows.GetInt32(3)} {rows.GetInt64(4)}");
            }

            var expected = _naive.Counts.Select(count =>
                $"{count.Key.AdId}/{count.Key.SubShard} {count.Key.Minute} {count.Key.Outcome} {count.Value}").ToList();
            Assert.True(
                expected.Order().SequenceEqual(counts.Order()),
                $"{what}: missing [{string.Join("; ", expected.Except(counts))}], instead [{string.Join("; ", counts.Except(expected))}]");
        }

        public ValueTask DisposeAsync()
        {
            Folder.Dispose();
            return ValueTask.CompletedTask;
        }

        private SqliteConnection Connect(string file)
        {
            var connection = new SqliteConnection($"Data Source={Folder[file]};Pooling=false");
            connection.Open();
            return connection;
        }

        private async Task<SqliteMetricsStore> OpenAsync()
        {
            var store = SqliteMetricsStore.Open(Folder["metrics.db"], _time);
            using var folder = DataFolder.Open(Folder.Path);
            await LogChange.FinishAsync(folder, store, new SqliteFormerLogsPurge(folder.Journal, folder.Snapshots));
            return store;
        }

        private async Task AppendAsync(EmbeddedClickLog log, int clicks)
        {
            for (var i = 0; i < clicks; i++)
            {
                var (key, record) = TakeNext();
                await log.AppendAsync(key?.Partition(log.Identity.Partitions) ?? i % log.Identity.Partitions, "key"u8, record).WaitAsync(Patience);
            }
        }

        private (AdKey? Key, byte[] Record) TakeNext()
        {
            var (key, appendTimeMs, record) = _clicks.Next();
            _time.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(appendTimeMs)); // they come in order
            _naive.Apply(appendTimeMs, record);
            _taken++;
            return (key, record);
        }
    }
}
