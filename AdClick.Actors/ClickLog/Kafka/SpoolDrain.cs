using AdClick.Actors.ClickLog.Spool;
using AdClick.Actors.Clicks;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Brings the spooled clicks of one lane to Kafka, in order: in windows while the partition is there, one click at a time while it is away.
/// That one is the probe: it is durable already, so that nobody waits for it.
/// </summary>
internal sealed class SpoolDrain
{
    /// <summary>Clicks of a window; the next is sent when it is delivered.</summary>
    public const int WindowClicks = 1000;

    /// <summary>Windows on their way at once over all partitions. With <see cref="WindowClicks"/>, 20,000 clicks. Probes don't count.</summary>
    public const int MaxWindows = 20;

    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(1);

    private readonly SpoolLane _lane;
    private readonly PartitionAppender[] _partitions;
    private readonly ProduceThread _sender;
    private readonly SemaphoreSlim _permits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ending = new();

    private Task _running = Task.CompletedTask;
    private TimeSpan _nextBackOff = FirstBackOff;
    private volatile string? _problem;

    /// <summary>The drain of a lane.</summary>
    /// <param name="lane">Where the clicks wait.</param>
    /// <param name="partitions">Where they go: to the lane's own partition, or, from an inherited lane, to the one that each key says.</param>
    /// <param name="sender">Hands them to the producer.</param>
    /// <param name="permits">Shared by all drains: <see cref="MaxWindows"/>.</param>
    /// <param name="time">For the pauses between probes.</param>
    /// <param name="logger">Is told of a lane that can't be read.</param>
    public SpoolDrain(
        SpoolLane lane, PartitionAppender[] partitions, ProduceThread sender, SemaphoreSlim permits, TimeProvider time, ILogger logger)
    {
        _lane = lane;
        _partitions = partitions;
        _sender = sender;
        _permits = permits;
        _time = time;
        _logger = logger;
    }

    /// <summary>Why the first spooled click can't be delivered though the partition is there; null when nothing is wrong.</summary>
    public string? Problem => _problem;

    /// <summary>Begins to drain.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Ends when the window on its way, if any, has ended.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        // A drain before this one may have read more than it has delivered: what came behind would be taken for all that there was.
        _lane.Rewind();
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                HasClicks = false;
                var batch = await _lane.ReadAsync(WindowClicks, _ending.Token).ConfigureAwait(false);
                if (batch.Count == 0)
                {
                    return; // an inherited lane that is drained for good
                }

                HasClicks = true;
                await DeliverAsync(batch).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                return;
            }
            catch (ClickLogDamagedException)
            {
                return; // the spool tells of it, and the lane waits for a person and a start
            }
#pragma warning disable CA1031 // The clicks stay where they are; a person is told, and it is tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _problem = e.Message;
                _logger.LogError(e, "The spooled clicks of lane {Lane} can't be drained; it is tried again.", _lane.Partition);
                _lane.Rewind();
                HasClicks = false;
                await Task.Delay(LongestBackOff, _time, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        HasClicks = false;
    }

    private async Task DeliverAsync(SpoolBatch batch)
    {
        for (var start = 0; start < batch.Count;)
        {
            _ending.Token.ThrowIfCancellationRequested();
            var end = FindEnd(batch, start, out var isProbe);
            var windows = Fill(batch, start, end);
            if (!isProbe)
            {
                await _permits.WaitAsync(_ending.Token).ConfigureAwait(false);
            }

            try
            {
                foreach (var window in windows)
                {
                    _sender.PostWindow(window);
                }

                await Task.WhenAll(windows.Select(window => window.Delivered)).ConfigureAwait(false);
            }
            finally
            {
                if (!isProbe)
                {
                    _permits.Release();
                }
            }

            var delivered = windows.Min(window => window.FirstUndelivered) is var first && first < end ? first : end;
            if (delivered > start)
            {
                _lane.Drained(batch.Offset(delivered - 1) + 1);
                start = delivered;
            }

            if (Array.Find(windows, window => window.Failure is not null) is { } failed)
            {
                _problem = failed.Failure;
                await BackOffAsync().ConfigureAwait(false);
            }
            else
            {
                _problem = null;
                _nextBackOff = FirstBackOff;
            }
        }
    }

    // Up to the first click whose partition is away; if that is the very first, it goes alone.
    private int FindEnd(SpoolBatch batch, int start, out bool isProbe)
    {
        isProbe = PartitionOf(batch, start).IsAway is not null;
        if (isProbe)
        {
            return start + 1;
        }

        var end = batch.Count;
        for (var i = start + 1; _lane.IsInherited && i < end; i++)
        {
            if (PartitionOf(batch, i).IsAway is not null)
            {
                end = i;
            }
        }

        return end;
    }

    private DrainWindow[] Fill(SpoolBatch batch, int start, int end)
    {
        var windows = new Dictionary<PartitionAppender, DrainWindow>();
        for (var i = start; i < end; i++)
        {
            var partition = PartitionOf(batch, i);
            if (!windows.TryGetValue(partition, out var window))
            {
                window = new DrainWindow(partition, _lane.IsInherited ? 16 : end - start, _time.GetTimestamp());
                windows.Add(partition, window);
            }

            window.Add(i, batch.Key(i).ToArray(), batch.Record(i).ToArray());
        }

        return [.. windows.Values];
    }

    private PartitionAppender PartitionOf(SpoolBatch batch, int index) =>
        _partitions[_lane.IsInherited ? AdKey.PartitionOf(batch.Key(index), _partitions.Length) : _lane.Partition];

    private bool HasClicks
    {
        set
        {
            if (!_lane.IsInherited)
            {
                _partitions[_lane.Partition].IsDraining = value;
            }
        }
    }

    // From half the time to all of it, so that the partitions of a broker don't all come at once.
    private Task BackOffAsync()
    {
        var delay = _nextBackOff * (0.5 + Random.Shared.NextDouble() / 2);
        _nextBackOff = _nextBackOff * 2 < LongestBackOff ? _nextBackOff * 2 : LongestBackOff;
        return Task.Delay(delay, _time, _ending.Token);
    }
}
