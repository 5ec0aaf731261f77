using System.Collections.Immutable;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Journal;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Persistence;
using Akka.Persistence.Sql.Journal;

namespace AdClick.Tests.Partitions;

/// <summary>
/// Ends one incarnation at a chosen operation: before it, or after it happened and before the caller learned of it. From then on no operation is
/// begun and none is answered, as if the process were gone. Or, where the process <paramref name="survives"/>, that one operation fails and all
/// others go on.
/// </summary>
/// <param name="step">"before" or "after" with the operation's name; null for never.</param>
/// <param name="occurrence">The how-manyeth such step it is; counts from 1.</param>
/// <param name="survives">Whether the process lives on, and the caller gets an <see cref="IOException"/>.</param>
internal sealed class CrashPoint(string? step, int occurrence, bool survives = false)
{
    private readonly Dictionary<string, int> _steps = [];
    private readonly TaskCompletionSource _crashed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    /// <summary>Ends when the crash has come.</summary>
    public Task Crashed => _crashed.Task;

    /// <summary>Steps so far, and how often.</summary>
    public IReadOnlyDictionary<string, int> Steps
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<string, int>(_steps);
            }
        }
    }

    /// <summary>For messages of tests.</summary>
    public override string ToString() => $"{(survives ? "A failure" : "A crash")} {step}, occurrence {occurrence}";

    public Task RunAsync(string operation, Func<Task> work) => RunAsync(operation, async () =>
    {
        await work();
        return true;
    });

    public Task<T> RunAsync<T>(string operation, Func<Task<T>> work)
    {
        return Passes($"before {operation}") ? Answer() : Silence();

        async Task<T> Answer()
        {
            var result = await work().ConfigureAwait(false);
            return Passes($"after {operation}") ? result : await Silence();
        }

        Task<T> Silence() => survives ? Task.FromException<T>(Failure(operation)) : new TaskCompletionSource<T>().Task;
    }

    /// <summary>An operation without a task: a thread can't be held for ever, so that an exception stands for the silence.</summary>
    public T Run<T>(string operation, Func<T> work)
    {
        Throw($"before {operation}");
        var result = work();
        Throw($"after {operation}");
        return result;
    }

    // A store that can't answer says so in its own words.
    private static IOException Failure(string operation) => operation.Contains("store ", StringComparison.Ordinal)
        ? new MetricsStoreUnavailableException("The store failed on purpose.")
        : new IOException($"Failed on purpose: {operation}.");

    private void Throw(string step)
    {
        if (!Passes(step))
        {
            throw Failure(step);
        }
    }

    private bool Passes(string reached)
    {
        lock (_gate)
        {
            if (_crashed.Task.IsCompleted)
            {
                return survives;
            }

            _steps[reached] = _steps.GetValueOrDefault(reached) + 1;
            if (reached != step || _steps[reached] != occurrence)
            {
                return true;
            }

            _crashed.SetResult();
            return false;
        }
    }
}

/// <summary>Brings the crash point to the plugins.</summary>
internal sealed class CrashPointSetup(CrashPoint point) : Setup
{
    public CrashPoint Point { get; } = point;

    public static CrashPoint Of(IActorContext context) => context.System.Settings.Setup.Get<CrashPointSetup>().Value.Point;
}

/// <summary>The SQL journal with a crash point.</summary>
public sealed class CrashingJournal : SqlWriteJournal
{
    private readonly CrashPoint _crash;

    public CrashingJournal(Akka.Configuration.Config config)
        : base(config) => _crash = CrashPointSetup.Of(Context);

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) =>
        _crash.RunAsync(
            "journal replay", () => base.ReplayMessagesAsync(context, persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback));

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        _crash.RunAsync("journal sequence number", () => base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken));

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        _crash.RunAsync("journal delete", () => base.DeleteMessagesToAsync(persistenceId, toSequenceNr, cancellationToken));

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken) =>
        _crash.RunAsync("journal write", () => base.WriteMessagesAsync(messages, cancellationToken));
}

/// <summary>The snapshot store on SQLite with a crash point.</summary>
public sealed class CrashingSnapshotStore : PartitionSnapshotStore
{
    private readonly CrashPoint _crash;

    public CrashingSnapshotStore(Akka.Configuration.Config config)
        : base(config) => _crash = CrashPointSetup.Of(Context);

    protected override Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot load", () => base.LoadAsync(persistenceId, criteria, cancellationToken));

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot save", () => base.SaveAsync(metadata, snapshot, cancellationToken));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot delete", () => base.DeleteAsync(persistenceId, criteria, cancellationToken));
}

/// <summary>The PostgreSQL journal with a crash point.</summary>
public sealed class CrashingPostgresJournal : PostgresJournal
{
    private readonly CrashPoint _crash;

    public CrashingPostgresJournal(Akka.Configuration.Config config)
        : base(config) => _crash = CrashPointSetup.Of(Context);

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) =>
        _crash.RunAsync(
            "journal replay", () => base.ReplayMessagesAsync(context, persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback));

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        _crash.RunAsync("journal sequence number", () => base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken));

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken) =>
        _crash.RunAsync("journal write", () => base.WriteMessagesAsync(messages, cancellationToken));
}

/// <summary>The PostgreSQL snapshot store with a crash point.</summary>
public sealed class CrashingPostgresSnapshotStore : PostgresSnapshotStore
{
    private readonly CrashPoint _crash;

    public CrashingPostgresSnapshotStore(Akka.Configuration.Config config)
        : base(config) => _crash = CrashPointSetup.Of(Context);

    protected override Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot load", () => base.LoadAsync(persistenceId, criteria, cancellationToken));

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot save", () => base.SaveAsync(metadata, snapshot, cancellationToken));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        _crash.RunAsync("snapshot delete", () => base.DeleteAsync(persistenceId, criteria, cancellationToken));
}

/// <summary>A log with a crash point.</summary>
internal sealed class CrashingLog(IClickLog log, CrashPoint crash) : IClickLog
{
    public LogIdentity Identity => log.Identity;

    public DateTimeOffset NewestAppendTime => log.NewestAppendTime;

    public string? Fault => log.Fault;

    public string? Notice => log.Notice;

    public long? SpooledFromMs => log.SpooledFromMs;

    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var (keyBytes, recordBytes) = (key.ToArray(), record.ToArray());
        return crash.RunAsync("log append", () => log.AppendAsync(partition, keyBytes, recordBytes));
    }

    public IClickLogReader OpenReader(int partition, long offset) =>
        new Reader(crash.Run("log open", () => log.OpenReader(partition, offset)), crash);

    public IClickLogReader OpenArchiveReader(int partition, long offset) => log.OpenArchiveReader(partition, offset);

    public IClickLogReader OpenLookupReader(int partition, long offset) => log.OpenLookupReader(partition, offset);

    public LogRange RangeOf(int partition) => log.RangeOf(partition);

    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) =>
        new(crash.RunAsync("log range", () => log.FindRangeAsync(partition, cancellationToken).AsTask()));

    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan) => crash.Run("log truncate", () =>
    {
        log.Checkpointed(partition, offset, keepFrom, olderThan);
        return true;
    });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(IClickLogReader reader, CrashPoint crash) : IClickLogReader
    {
        public ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken) =>
            new(crash.RunAsync("log read", () => reader.ReadAsync(maxRecords, cancellationToken).AsTask()));

        public void Dispose() => reader.Dispose();
    }
}

/// <summary>A metrics store with a crash point.</summary>
internal sealed class CrashingStore(IMetricsStore store, CrashPoint crash) : IMetricsStore
{
    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken) =>
        crash.RunAsync("store acquire", () => store.AcquireAsync(log, partition, cancellationToken));

    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken) =>
        crash.RunAsync("store flush", () => store.FlushAsync(flush, cancellationToken));

    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        store.ReadProgressAsync(logEpoch, cancellationToken);

    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) =>
        store.SetPausedAsync(logEpoch, partition, by, cancellationToken);

    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => store.FindLogAsync(cancellationToken);

    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) =>
        crash.RunAsync("store move", () => store.MoveToAsync(from, to, progress, cancellationToken));

    public Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken) => store.QueryAsync(query, cancellationToken);
}
