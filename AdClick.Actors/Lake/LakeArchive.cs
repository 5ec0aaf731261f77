using System.Collections.Concurrent;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.Lake;

/// <summary>Archives the partitions that this node owns in the data lake (docs/lake.md).</summary>
public sealed class LakeArchive : IPartitionArchive, IAsyncDisposable
{
    private readonly ArchiveParts _parts;
    private readonly ArchiveState[] _states;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ConcurrentDictionary<int, PartitionArchiver> _running = new();
    private TaskCompletionSource _nextChange = NewChange();

    /// <summary>An archive; partitions join it with <see cref="Start"/>.</summary>
    /// <param name="log">The click log.</param>
    /// <param name="store">Where progress and file names are kept.</param>
    /// <param name="storage">Where the files are.</param>
    /// <param name="settings">When cuts are made.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Is told what fails.</param>
    public LakeArchive(IClickLog log, IArchiveStore store, ILakeStorage storage, LakeSettings settings, TimeProvider time, ILogger logger)
    {
        _parts = new ArchiveParts(log, store, storage, settings, time, logger);
        _states = [.. Enumerable.Range(0, log.Identity.Partitions).Select(_ => new ArchiveState(Tell))];
    }

    /// <summary>Ends when an archive has come further, waits, goes on or has ended after this call. Take it before looking, and nothing is missed.</summary>
    public Task NextChange => Volatile.Read(ref _nextChange).Task;

    /// <summary>Sentences about partitions of this node whose archive waits. It costs no click, but the click log grows meanwhile.</summary>
    public IReadOnlyList<string> Notices => [.. Running().Select(partition => _states[partition].Fault).OfType<string>()];

    /// <summary>Records of each partition of this node that are not archived yet.</summary>
    public IReadOnlyList<(int Partition, long Records)> Lags =>
        [.. Running().Select(partition => (partition, Math.Max(0, _parts.Log.RangeOf(partition).End - KeepFrom(partition))))];

    /// <inheritdoc/>
    public Task PrepareAsync(PartitionProgress acquired, LogRange range, CancellationToken cancellationToken)
    {
        // The clock is known where the log begins, and where the counting stands. A log that was let go of in part before there was an archive, or that goes
        // on with the state of another, is archived from there on.
        var isWhole = range.Begin == 0 && !acquired.ContinuesAnotherLog;
        return _parts.Store.StartArchiveAsync(
            OwnerOf(acquired), isWhole ? 0 : Math.Max(range.Begin, acquired.FlushedOffset), isWhole ? 0 : acquired.ClockMs, cancellationToken);
    }

    /// <inheritdoc/>
    public IDisposable Start(PartitionProgress acquired)
    {
        var archiver = new PartitionArchiver(_parts, OwnerOf(acquired), _states[acquired.Partition], _turn);
        _running[acquired.Partition] = archiver;
        archiver.Ended.ContinueWith(
            _ =>
            {
                _running.TryRemove(KeyValuePair.Create(acquired.Partition, archiver));
                Tell();
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return archiver;
    }

    /// <inheritdoc/>
    public long KeepFrom(int partition) => _states[partition].ArchivedOffset;

    /// <inheritdoc/>
    public async Task DrainAsync(IReadOnlyList<LogRange> ranges, Action<string> tell, CancellationToken cancellationToken)
    {
        var told = new HashSet<string>();
        foreach (var state in _states)
        {
            state.IsDraining = true;
        }

        while (true)
        {
            var change = NextChange;
            if (_states.Index().All(each => each.Item.ArchivedOffset >= ranges[each.Index].End))
            {
                return;
            }

            foreach (var fault in Notices.Where(told.Add))
            {
                tell(fault);
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the archivers that still run.</summary>
    public async ValueTask DisposeAsync()
    {
        var running = _running.Values.ToArray();
        foreach (var archiver in running)
        {
            archiver.Dispose();
        }

        await Task.WhenAll(running.Select(archiver => archiver.Ended)).ConfigureAwait(false);
    }

    private static ArchiveOwner OwnerOf(PartitionProgress acquired) => new(acquired.LogEpoch, acquired.Partition, acquired.OwnerEpoch);

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Tell() => Interlocked.Exchange(ref _nextChange, NewChange()).SetResult();

    private IEnumerable<int> Running() => _running.Keys.Order();
}
