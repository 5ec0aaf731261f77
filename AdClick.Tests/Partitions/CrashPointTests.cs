using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>
/// A scripted run of clicks is crashed before and after every single operation on log, journal, snapshot store and metrics store in turn, restarted
/// on the same data and drained. Every run must end in the counts of the one that was never crashed (I1, I2, I4).
/// </summary>
[Collection(HeavyTests.Name)]
public sealed class CrashPointTests
{
    private static readonly string[] Operations =
    [
        "log append", "log range", "log open", "log read", "log truncate",
        "journal sequence number", "journal replay", "journal write", "journal purge",
        "snapshot load", "snapshot save", "snapshot delete",
        "store acquire", "store flush",
    ];

    private static readonly CrashScript TheScript = CrashScript.Write();

    [Fact]
    public async Task Every_run_that_crashes_once_ends_in_the_counts_of_the_run_that_never_does()
    {
        var expected = await RunAsync(CrashRunKind.EmbeddedDefault, []);
        AssertIsWhatTheRuleSays(expected.Counts);

        // Nobody waits for the deletion of older snapshots: the run may be over before one has ended.
        Assert.Equal(
            Operations.SelectMany(operation => (string[])[$"after {operation}", $"before {operation}"]).Order(),
            expected.Steps.Keys.Union(["before snapshot delete", "after snapshot delete"]).Order());

        var points = expected.Steps.SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (step.Key, occurrence)));
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (point, _) =>
        {
            var run = await RunAsync(CrashRunKind.EmbeddedDefault, [point]);
            Assert.True(expected.Counts.SequenceEqual(run.Counts), $"A crash {point}: {Difference(expected.Counts, run.Counts)}");
        });
    }

    [Fact]
    public async Task Every_run_in_which_an_operation_fails_once_ends_in_the_same_counts_by_itself()
    {
        var expected = await RunAsync(CrashRunKind.Memory, []);
        var points = expected.Steps.SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (step.Key, occurrence)));
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (point, _) =>
        {
            var run = await RunAsync(CrashRunKind.Memory, [point], survives: true);
            Assert.True(expected.Counts.SequenceEqual(run.Counts), $"A failure {point}: {Difference(expected.Counts, run.Counts)}");
        });
    }

    [Fact]
    public async Task A_run_that_crashes_again_and_again_ends_in_the_same_counts()
    {
        var expected = await RunAsync(CrashRunKind.Memory, []);
        for (var seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            string[] steps = [.. expected.Steps.Keys.Order()];
            (string, int)[] crashes = [.. Enumerable.Range(0, 12).Select(_ => (steps[random.Next(steps.Length)], random.Next(1, 5)))];
            var run = await RunAsync(CrashRunKind.Memory, crashes, takesSnapshots: seed % 2 == 0);
            Assert.True(expected.Counts.SequenceEqual(run.Counts),
                $"Crashes {string.Join(", ", crashes)}: {Difference(expected.Counts, run.Counts)}");
        }
    }

    [PostgresFact]
    public async Task On_a_PostgreSQL_journal_runs_that_crash_or_fail_at_sampled_operations_end_in_the_counts_of_the_run_that_never_does()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        var expected = await RunAsync(CrashRunKind.Memory, [], database: database);
        AssertIsWhatTheRuleSays(expected.Counts);

        // All steps on journal and snapshots are among them; of the many others, some.
        var random = new Random(20);
        var points = expected.Steps
            .SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (Step: step.Key, Occurrence: occurrence)))
            .OrderBy(_ => random.Next()).ToList();
        var sample = points
            .Where(point => point.Step.Contains("journal", StringComparison.Ordinal) || point.Step.Contains("snapshot", StringComparison.Ordinal))
            .GroupBy(point => point.Step).SelectMany(step => step.Take(2))
            .Union(points.Take(20));
        await Parallel.ForEachAsync(sample, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (point, _) =>
        {
            foreach (var survives in (bool[])[false, true])
            {
                var run = await RunAsync(CrashRunKind.Memory, [point], survives, takesSnapshots: true, database: database);
                Assert.True(
                    expected.Counts.SequenceEqual(run.Counts),
                    $"A {(survives ? "failure" : "crash")} {point}: {Difference(expected.Counts, run.Counts)}");
            }
        });
    }

    [Fact]
    public async Task On_Kafka_runs_that_crash_or_fail_at_sampled_operations_end_in_the_counts_of_the_run_that_never_does()
    {
        await using var kafka = new KafkaCluster();
        await SampleAsync(CrashRunKind.Kafka, kafka, "log", perStep: 3, ofAll: 20);
    }

    [TimescaleFact]
    public async Task On_TimescaleDB_runs_that_crash_or_fail_at_sampled_operations_end_in_the_counts_of_the_run_that_never_does() =>
        await SampleAsync(CrashRunKind.Timescale, null, "store", perStep: 4, ofAll: 12);

    [TimescaleFact]
    public async Task On_Kafka_and_TimescaleDB_runs_that_crash_or_fail_at_sampled_operations_end_in_the_counts_of_the_run_that_never_does()
    {
        await using var kafka = new KafkaCluster();
        await SampleAsync(CrashRunKind.Timescale, kafka, "store", perStep: 2, ofAll: 12);
    }

    [Fact]
    public async Task Without_snapshots_the_purge_takes_what_the_clock_has_outlived_and_no_more()
    {
        var firstRow = 0L;
        var run = await RunAsync(CrashRunKind.Memory, [], takesSnapshots: false, atTheEnd: (journal, log) =>
            firstRow = journal.Read(PartitionActor.PersistenceIdOf(log.Identity.Epoch, 0))[0].SequenceNr);
        AssertIsWhatTheRuleSays(run.Counts);
        Assert.True(firstRow > 1, "Nothing was purged.");
    }

    /// <summary>Crashes and failures at all steps of one kind of operation, and at some of the others.</summary>
    private static async Task SampleAsync(CrashRunKind where, KafkaCluster? kafka, string kind, int perStep, int ofAll)
    {
        var expected = await RunAsync(where, [], kafka: kafka);
        AssertIsWhatTheRuleSays(expected.Counts);
        var random = new Random(21);
        var points = expected.Steps
            .SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (Step: step.Key, Occurrence: occurrence)))
            .OrderBy(_ => random.Next()).ToList();
        var sample = points
            .Where(point => point.Step.Contains(kind, StringComparison.Ordinal))
            .GroupBy(point => point.Step).SelectMany(step => step.Take(perStep))
            .Union(points.Take(ofAll));
        await Parallel.ForEachAsync(sample, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (point, _) =>
        {
            var survives = point.Occurrence % 2 == 0;
            var run = await RunAsync(where, [point], survives, kafka: kafka);
            Assert.True(
                expected.Counts.SequenceEqual(run.Counts), $"A {(survives ? "failure" : "crash")} {point}: {Difference(expected.Counts, run.Counts)}");
        });
    }

    private static void AssertIsWhatTheRuleSays(IReadOnlyList<string> counts)
    {
        var naive = new NaiveCount(0, 1, CrashScript.AllowedLatenessMs);
        foreach (var (timeMs, record, _) in TheScript.Steps)
        {
            naive.Apply(timeMs, record);
        }

        Assert.Equal(
            naive.Counts.Select(count => CrashRunData.Line(count.Key.AdId, count.Key.SubShard, count.Key.Minute, count.Key.Outcome, count.Value)).Order(), counts);
        Assert.Equal(Enum.GetValues<ClickOutcome>().Length, naive.Counts.Keys.Select(key => key.Outcome).Distinct().Count());
    }

    private static string Difference(IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        $"missing [{string.Join("; ", expected.Except(actual))}], instead [{string.Join("; ", actual.Except(expected))}]";

    /// <summary>
    /// Runs the script to its end; incarnation i is crashed at step <c>crashes[i]</c>, the last one never. Returns the last one's steps.
    /// </summary>
    private static async Task<(IReadOnlyList<string> Counts, IReadOnlyDictionary<string, int> Steps)> RunAsync(
        CrashRunKind where,
        (string Step, int Occurrence)[] crashes,
        bool survives = false,
        bool takesSnapshots = true,
        Action<TestJournal, IClickLog>? atTheEnd = null,
        TestDatabase? database = null,
        KafkaCluster? kafka = null)
    {
        using var folder = new TestFolder();
        await using var journal = database is null ? TestJournal.OpenSqlite(folder) : TestJournal.OpenPostgres(database);
        await using CrashRunData data = where switch
        {
            CrashRunKind.EmbeddedDefault => new EmbeddedRunData(folder),
            CrashRunKind.Memory => new MemoryRunData(),
            CrashRunKind.Kafka => await KafkaRunData.OpenAsync(folder, kafka!),
            _ => await TimescaleRunData.OpenAsync(folder, kafka),
        };
        foreach (var (step, occurrence) in ((string?, int)[])[.. crashes, (null, 0)])
        {
            var crash = new CrashPoint(step, occurrence, survives);
            await using (var incarnation = new Incarnation(journal, data, crash, survives, takesSnapshots))
            {
                var script = incarnation.PlayAsync();
                var first = await Task.WhenAny(script, survives ? script : crash.Crashed).WaitAsync(TimeSpan.FromMinutes(5));
                if (first == script)
                {
                    await script;
                    atTheEnd?.Invoke(journal, data.Log);
                    return ([.. data.Counts().Order()], crash.Steps); // a crash that is left over is beyond the end
                }
            }

            await data.RestartAsync();
        }

        throw new InvalidOperationException("The last incarnation never crashes.");
    }

    /// <summary>One life of the process.</summary>
    private sealed class Incarnation : IAsyncDisposable
    {
        private static readonly PartitionSettings Settings = new()
        {
            AllowedLateness = TimeSpan.FromMilliseconds(CrashScript.AllowedLatenessMs),
            FlushInterval = TimeSpan.FromHours(1), // the script says when
            CheckpointInterval = TimeSpan.FromHours(1),
            ClickLogRetention = TimeSpan.FromSeconds(-1),
            MinSnapshotBytes = 1,
            BatchLinger = TimeSpan.Zero,
            MinBackOff = TimeSpan.FromMilliseconds(1),
            MaxBackOff = TimeSpan.FromMilliseconds(5),
            HandOffTimeout = TimeSpan.FromHours(1), // one that hangs is to be seen
        };

        private readonly TestJournal _journal;
        private readonly CrashRunData _data;
        private readonly CrashPoint _crash;
        private readonly PartitionHarness _harness;
        private readonly CrashingLog _log;
        private readonly PartitionContext _context;
        private readonly bool _survives;
        private IActorRef _entity;

        public Incarnation(TestJournal journal, CrashRunData data, CrashPoint crash, bool survives, bool takesSnapshots)
        {
            _survives = survives;
            _journal = journal;
            _data = data;
            _crash = crash;
            _harness = new PartitionHarness(journal, journal.CrashingHocon, new CrashPointSetup(crash));
            _log = new CrashingLog(data.Log, crash);
            _context = PartitionHarness.Context(_log, new CrashingStore(data.Store, crash), Settings with
            {
                MaxSnapshotBytes = takesSnapshots ? long.MaxValue : -1,
            });
            _entity = _harness.Start(_context);
        }

        /// <summary>Plays the script from where the log ends to the end.</summary>
        public async Task PlayAsync()
        {
            var written = (int)await EndAsync();
            for (var i = Math.Max(0, written - 1); i < TheScript.Steps.Count; i++)
            {
                var (timeMs, record, then) = TheScript.Steps[i];
                if (i >= written)
                {
                    _data.SetTime(timeMs);
                    await TryAsync(async () =>
                    {
                        if (await EndAsync() == i)
                        {
                            await _log.AppendAsync(0, "key"u8, record);
                        }
                    });
                }

                switch (then)
                {
                    case Then.Flush:
                        await TellUntilAsync(PartitionActor.Tick.Flush, status => status.FlushedOffset == i + 1);
                        break;
                    case Then.Checkpoint:
                        await TellUntilAsync(PartitionActor.Tick.Checkpoint, status => status.CheckpointOffset == i + 1);
                        break;
                    case Then.HandOff:
                        await TellUntilAsync(PartitionActor.Tick.Flush, status => status.FlushedOffset == i + 1);
                        await PartitionHarness.HandOffAsync(_entity);
                        _entity = _harness.Start(_context);
                        break;
                    case Then.Purge:
                        await TellUntilAsync(PartitionActor.Tick.Flush, status => status.FlushedOffset == i + 1);
                        var progress = await _data.Store.ReadProgressAsync(_data.Log.Identity.Epoch, CancellationToken.None);
                        await TryAsync(() => _crash.RunAsync(
                            "journal purge", () => _journal.Purge.PurgeAsync(progress, CancellationToken.None)));
                        break;
                }
            }

            await PartitionHarness.HandOffAsync(_entity);
        }

        private async Task<long> EndAsync() => (await _data.Log.FindRangeAsync(0, CancellationToken.None)).End;

        private async Task TryAsync(Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (IOException) when (_survives)
            {
                await work();
            }
        }

        // The partition may still be starting, or the record on its way to it: so again and again.
        private async Task TellUntilAsync(PartitionActor.Tick tick, Func<PartitionStatus, bool> isDone)
        {
            var partition = _harness.System.ActorSelection(_entity.Path / "*");
            while (true)
            {
                var change = _context.Board.NextChange;
                var statuses = _context.Board.Snapshot();
                if (statuses.Any(isDone) || (!_survives && _crash.Crashed.IsCompleted))
                {
                    return;
                }

                if (statuses.FirstOrDefault(status => status.Phase == PartitionPhase.Paused) is { } paused)
                {
                    throw new InvalidOperationException($"{_crash}: the partition is paused at offset {paused.NextOffset}: {paused.Reason}");
                }

                partition.Tell(tick);
                if (tick != PartitionActor.Tick.Flush)
                {
                    partition.Tell(PartitionActor.Tick.Flush); // which posts the status
                }

                await (_survives ? change : Task.WhenAny(change, _crash.Crashed)).WaitAsync(TimeSpan.FromMinutes(4));
            }
        }

        public async ValueTask DisposeAsync() => await _harness.DisposeAsync();
    }
}
