using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Brings the spooled clicks of one partition to Kafka, in order: in windows while the partition is there, one click at a time while it is away. That
/// one is the probe: it is durable already, so that nobody waits for it.
/// </summary>
internal sealed class SpoolDrain
{
    /// <summary>Clicks of a window; the next is sent when it is delivered.</summary>
    public const int WindowClicks = 1000;

    /// <summary>Windows on their way at once over all partitions. With <see cref="WindowClicks"/>, 20,000 clicks. Probes don't count.</summary>
    public const int MaxWindows = 20;

    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(1);

    private readonly PartitionAppender _partition;
    private readonly SpoolLane _lane;
    private readonly ProduceThread _sender;
    private readonly SemaphoreSlim _windows;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ending = new();

    private Task _running = Task.CompletedTask;
    private TimeSpan _nextBackOff = FirstBackOff;
    private volatile string? _problem;

    /// <summary>The drain of a partition's lane.</summary>
    /// <param name="partition">Where the clicks go.</param>
    /// <param name="lane">Where they wait.</param>
    /// <param name="sender">Hands them to the producer.</param>
    /// <param name="windows">Shared by all drains: <see cref="MaxWindows"/>.</param>
    /// <param name="time">For the pauses between probes.</param>
    /// <param name="logger">Is told of a lane that can't be read.</param>
    public SpoolDrain(
        PartitionAppender partition, SpoolLane lane, ProduceThread sender, SemaphoreSlim windows, TimeProvider time, ILogger logger)
    {
        _partition = partition;
        _lane = lane;
        _sender = sender;
        _windows = windows;
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
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                _partition.IsDraining = false;
                var batch = await _lane.ReadAsync(WindowClicks, _ending.Token).ConfigureAwait(false);
                _partition.IsDraining = true;
                await DeliverAsync(batch).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The clicks stay where they are; a person is told, and it is tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _partition.IsDraining = false;
                _problem = e.Message;
                _logger.LogError(e, "The spooled clicks of partition {Partition} can't be drained; it is tried again.", _partition.Number);
                _lane.Rewind();
                await Task.Delay(LongestBackOff, _time, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task DeliverAsync(SpoolBatch batch)
    {
        for (var start = 0; start < batch.Count;)
        {
            _ending.Token.ThrowIfCancellationRequested();
            var isProbe = _partition.IsAway is not null;
            var window = Fill(batch, start, isProbe ? 1 : batch.Count - start);
            var delivered = isProbe ? await SendAsync(window).ConfigureAwait(false) : await SendInTurnAsync(window).ConfigureAwait(false);
            start += delivered;
            if (delivered > 0)
            {
                _lane.Drained(batch, start);
            }

            if (window.Failure is null)
            {
                _problem = null;
                _nextBackOff = FirstBackOff;
            }
            else
            {
                _problem = window.Failure;
                await BackOffAsync().ConfigureAwait(false);
            }
        }
    }

    private DrainWindow Fill(SpoolBatch batch, int start, int count)
    {
        var window = new DrainWindow(_partition, count, _time.GetTimestamp());
        for (var i = start; i < start + count; i++)
        {
            window.Add(batch.Key(i).ToArray(), batch.Record(i).ToArray());
        }

        return window;
    }

    private async Task<int> SendInTurnAsync(DrainWindow window)
    {
        await _windows.WaitAsync(_ending.Token).ConfigureAwait(false);
        try
        {
            return await SendAsync(window).ConfigureAwait(false);
        }
        finally
        {
            _windows.Release();
        }
    }

    private Task<int> SendAsync(DrainWindow window)
    {
        _sender.PostWindow(window);
        return window.Delivered;
    }

    // From half the time to all of it, so that the partitions of a broker don't all come at once.
    private Task BackOffAsync()
    {
        var delay = _nextBackOff * (0.5 + Random.Shared.NextDouble() / 2);
        _nextBackOff = _nextBackOff * 2 < LongestBackOff ? _nextBackOff * 2 : LongestBackOff;
        return Task.Delay(delay, _time, _ending.Token);
    }
}
