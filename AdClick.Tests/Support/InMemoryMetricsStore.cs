using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Tests.Support;

/// <summary>A metrics store in memory that keeps the rules of a flush: fenced, monotonic, all or nothing.</summary>
public sealed class InMemoryMetricsStore : IMetricsStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid, int), PartitionProgress> _progress = [];
    private readonly Dictionary<(string AdId, int SubShard, int Minute, ClickOutcome Outcome), long> _counts = [];
    private readonly Dictionary<(Guid, int, long), LateClick> _late = [];
    private readonly Dictionary<(Guid, int, long), RejectedRecord> _rejected = [];
    private readonly HashSet<Guid> _left = [];
    private LogIdentity? _log;
    private TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When set, every call fails with it.</summary>
    public Exception? Fault { get; set; }

    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken) => Run(() =>
    {
        if (_left.Count > 0 && _log != log)
        {
            throw new LogMismatchException($"The store holds the counts of log {_log}, not of {log}.");
        }

        _log = log;
        var row = _progress.GetValueOrDefault((log.Epoch, partition))
            ?? new PartitionProgress { LogEpoch = log.Epoch, Partition = partition, OwnerEpoch = 0 };
        return _progress[(log.Epoch, partition)] = row with { OwnerEpoch = row.OwnerEpoch + 1 };
    });

    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken) => Run(() =>
    {
        var mine = flush.Progress;
        var row = _progress.GetValueOrDefault((mine.LogEpoch, mine.Partition));
        if (row?.OwnerEpoch != mine.OwnerEpoch)
        {
            throw new StaleOwnerException($"Epoch {mine.OwnerEpoch} is not {row?.OwnerEpoch}.");
        }

        foreach (var count in flush.Counts)
        {
            var key = (count.AdId, count.SubShard, count.Minute, count.Outcome);
            _counts[key] = Math.Max(_counts.GetValueOrDefault(key), count.Clicks);
        }

        foreach (var late in flush.LateClicks)
        {
            _late[(mine.LogEpoch, mine.Partition, late.Offset)] = late;
        }

        foreach (var rejected in flush.Rejected)
        {
            _rejected[(mine.LogEpoch, mine.Partition, rejected.Offset)] = rejected;
        }

        _progress[(mine.LogEpoch, mine.Partition)] = mine with
        {
            FlushedOffset = Math.Max(row.FlushedOffset, mine.FlushedOffset),
            CheckpointOffset = Math.Max(row.CheckpointOffset, mine.CheckpointOffset),
            ClockMs = Math.Max(row.ClockMs, mine.ClockMs),
            PurgeBelow = Math.Max(row.PurgeBelow, mine.PurgeBelow),
            ContinuesAnotherLog = row.ContinuesAnotherLog,
            PausedBy = row.PausedBy,
        };
        var flushed = _flushed;
        _flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        flushed.SetResult();
        return true;
    });

    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        Run<IReadOnlyList<PartitionProgress>>(() => [.. _progress.Values.Where(row => row.LogEpoch == logEpoch)]);

    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) => Run(() =>
    {
        if (_progress.GetValueOrDefault((logEpoch, partition)) is not { } row)
        {
            return false;
        }

        _progress[(logEpoch, partition)] = row with { PausedBy = by };
        return true;
    });

    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => Run(() => _log);

    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) => Run(() =>
    {
        if (_log is null || from.Count != _log.Partitions || from.Any(row => row.LogEpoch != _log.Epoch) || to.Epoch == _log.Epoch || _left.Contains(to.Epoch))
        {
            throw new LogMismatchException($"The store is at log {_log}.");
        }

        foreach (var row in from)
        {
            if (_progress.GetValueOrDefault((row.LogEpoch, row.Partition)) is not { } now
                || now.OwnerEpoch != row.OwnerEpoch || now.FlushedOffset != row.FlushedOffset)
            {
                throw new StaleOwnerException($"Partition {row.Partition} is not where it was.");
            }
        }

        foreach (var row in from)
        {
            _progress.Remove((row.LogEpoch, row.Partition));
        }

        foreach (var row in progress)
        {
            _progress[(row.LogEpoch, row.Partition)] = row with { ContinuesAnotherLog = true };
        }

        _left.Add(_log.Epoch);
        _log = to;
        return true;
    });

    public Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Ask Counts().");

    /// <summary>Clicks of every (ad key, minute, outcome), late ones included.</summary>
    public Dictionary<(string AdId, int SubShard, int Minute, ClickOutcome Outcome), long> Counts()
    {
        lock (_gate)
        {
            var counts = new Dictionary<(string AdId, int SubShard, int Minute, ClickOutcome Outcome), long>(_counts);
            foreach (var late in _late.Values)
            {
                var key = (late.AdId, late.SubShard, late.Minute, late.Outcome);
                counts[key] = counts.GetValueOrDefault(key) + 1;
            }

            return counts;
        }
    }

    /// <summary>Records that were passed over.</summary>
    public IReadOnlyList<RejectedRecord> Rejected()
    {
        lock (_gate)
        {
            return [.. _rejected.Values];
        }
    }

    /// <summary>Ends when the progress of a log fulfils the condition.</summary>
    public async Task WaitForAsync(Guid logEpoch, Func<IReadOnlyList<PartitionProgress>, bool> condition, string what)
    {
        var deadline = TimeSpan.FromSeconds(60);
        while (true)
        {
            Task flushed;
            lock (_gate)
            {
                if (condition([.. _progress.Values.Where(row => row.LogEpoch == logEpoch)]))
                {
                    return;
                }

                flushed = _flushed.Task;
            }

            try
            {
                await flushed.WaitAsync(deadline);
            }
            catch (TimeoutException e)
            {
                throw new TimeoutException($"Waited {deadline} for {what}.", e);
            }
        }
    }

    private Task<T> Run<T>(Func<T> work)
    {
        lock (_gate)
        {
            try
            {
                return Fault is { } fault ? Task.FromException<T>(fault) : Task.FromResult(work());
            }
            catch (Exception e)
            {
                return Task.FromException<T>(e);
            }
        }
    }
}
