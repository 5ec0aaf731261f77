using System.Diagnostics;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The thread that hands records to the producer, in rounds, and decides what becomes of those that fail: clicks that came in since the last round first,
/// then a bounded number of spooled ones, so that nobody's redirect waits behind the drain.
/// </summary>
/// <remarks>
/// All conclusions from failures are drawn here, one after the other: a report on the producer's thread settles its own record, and no more.
/// </remarks>
internal sealed class ProduceThread
{
    // At rounds 2 ms apart, 500,000 spooled clicks/s at most; producing so many takes the thread about a millisecond.
    private const int MaxWindowsPerRound = 1;

    private static readonly TimeSpan SmallestWait = TimeSpan.FromMilliseconds(1);

    private readonly KafkaProducer _producer;
    private readonly TimeSpan _deliveryTimeout;
    private readonly TimeSpan _minInterval;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly object _gate = new(); // a monitor, as in the embedded log's thread
    private readonly Thread _thread;
    private readonly ITimer _timer;

    // Under the gate.
    private List<PartitionAppender> _due = [];
    private List<RecordGroup> _refused = [];
    private readonly Queue<DrainWindow> _windows = new();
    private bool _isWoken;
    private bool _isEnding;

    // On the thread only.
    private readonly Queue<RecordGroup> _inFlight = new(); // by age, to within a round
    private readonly HashSet<PartitionAppender> _sending = []; // partitions with something in flight when the producer breaks
    private bool _isQueueFull;

    /// <summary>Makes the thread; <see cref="Start"/> starts it.</summary>
    /// <param name="topic">Where the records go.</param>
    /// <param name="factory">Makes the producer, which this thread alone uses.</param>
    /// <param name="deliveryTimeout">How long a record may go without a report.</param>
    /// <param name="minInterval">Rounds begin no closer together than this.</param>
    /// <param name="time">Measures the time-out.</param>
    /// <param name="logger">Takes what should not happen.</param>
    public ProduceThread(
        string topic, ProducerFactory factory, TimeSpan deliveryTimeout, TimeSpan minInterval, TimeProvider time, ILogger logger)
    {
        _deliveryTimeout = deliveryTimeout;
        _minInterval = minInterval;
        _time = time;
        _logger = logger;
        _producer = new KafkaProducer(topic, factory, Wake, time, logger);
        _timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { Name = "adclick-kafka-produce", IsBackground = true };
    }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Has what a partition collected sent soon.</summary>
    public void Enqueue(PartitionAppender partition)
    {
        lock (_gate)
        {
            _due.Add(partition);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Has spooled clicks sent, after the clicks of people who wait.</summary>
    public void PostWindow(DrainWindow window)
    {
        lock (_gate)
        {
            _windows.Enqueue(window);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Has the consequences of a refused record drawn.</summary>
    public void PostRefused(RecordGroup group)
    {
        lock (_gate)
        {
            _refused.Add(group);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Has the thread look around: a time-out is due, or the producer has broken.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends the thread when all that was enqueued is delivered or given up, and waits for that: at most the delivery time-out.</summary>
    public void End()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
        _timer.Dispose();
    }

    /// <summary>After <see cref="End"/>: closes the producer.</summary>
    public Task CloseProducerAsync() => _producer.CloseAsync();

    private void Run()
    {
        var due = new List<PartitionAppender>();
        var refused = new List<RecordGroup>();
        var windows = new List<DrainWindow>();
        var began = 0L;
        while (WaitForWork())
        {
            var rest = _minInterval - Stopwatch.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
            {
                Thread.Sleep((int)Math.Ceiling(rest.TotalMilliseconds));
            }

            began = Stopwatch.GetTimestamp();
            lock (_gate)
            {
                (due, _due) = (_due, due);
                (refused, _refused) = (_refused, refused);
                while (windows.Count < MaxWindowsPerRound && _windows.TryDequeue(out var window))
                {
                    windows.Add(window);
                }

                _isWoken = false;
            }

            try
            {
                DoRound(refused, due, windows);
            }
#pragma warning disable CA1031 // The thread must live: what it was doing is in flight, and the time-out gives it up.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _logger.LogError(e, "A round of sending clicks to Kafka failed.");
            }

            due.Clear();
            refused.Clear();
            windows.Clear();
        }
    }

    // False when the thread is to end and nothing is left to do.
    private bool WaitForWork()
    {
        lock (_gate)
        {
            while (_due.Count == 0 && _refused.Count == 0 && _windows.Count == 0 && !_isWoken)
            {
                if (!_isEnding)
                {
                    Monitor.Wait(_gate);
                }
                else
                {
                    DropSettled();
                    if (_inFlight.Count == 0)
                    {
                        return false;
                    }

                    Monitor.Wait(_gate, SmallestWait); // reports don't wake the thread
                }
            }

            return true;
        }
    }

    private void DoRound(List<RecordGroup> refused, List<PartitionAppender> due, List<DrainWindow> windows)
    {
        _isQueueFull = false;
        if (_producer.Fatal is { } fatal)
        {
            GiveUpAll(fatal);
        }

        foreach (var group in refused)
        {
            ConcludeFrom(group);
        }

        foreach (var partition in due)
        {
            if (partition.TakeCollected() is { } group)
            {
                Send(group);
            }
        }

        foreach (var window in windows)
        {
            Send(window);
        }

        ExpireOverdue();
    }

    private void Send(RecordGroup group)
    {
        _inFlight.Enqueue(group); // first, since a report may come before the last record is produced
        group.Partition.OnSending(group);
        for (var i = 0; i < group.Count; i++)
        {
            var error = _isQueueFull ? new Error(ErrorCode.Local_QueueFull) : Produce(group, i);
            if (error is null)
            {
                continue;
            }

            if (DeliveryError.IsAboutRecord(error.Code))
            {
                group.Refuse(i);
                KafkaAppendMetrics.Refused(error.Code, group.Partition.GiveUp(group, i, onlyRefused: true, Describe(group.Partition, error)));
                if (group.IsSettled)
                {
                    return;
                }
            }
            else if (DeliveryError.IsQueueFull(error.Code))
            {
                // Each exception costs as much as several clicks: not another one in this round.
                _isQueueFull = true;
                KafkaAppendMetrics.Refused(error.Code, group.Partition.GiveUp(group, i, onlyRefused: false, Describe(group.Partition, error)));
                return;
            }
            else
            {
                KafkaAppendMetrics.Refused(error.Code, group.Partition.GoAway(error.Reason));
                return;
            }
        }
    }

    private Error? Produce(RecordGroup group, int index)
    {
        var (key, record) = group[index];
        return _producer.Produce(group.Partition.Number, key, record, group.ReportHandler);
    }

    private void ConcludeFrom(RecordGroup group)
    {
        if (group.TakeRefusal() is not { } error || group.IsSettled || group.IsGivenUp)
        {
            return;
        }

        if (DeliveryError.IsFatal(error))
        {
            _producer.Break(error);
        }

        if (DeliveryError.IsAboutRecord(error.Code))
        {
            group.Partition.GiveUp(group, 0, onlyRefused: true, Describe(group.Partition, error));
        }
        else
        {
            group.Partition.GoAway(error.Reason);
        }
    }

    private void GiveUpAll(Error fatal)
    {
        _producer.Replace();
        foreach (var group in _inFlight)
        {
            if (!group.IsSettled && !group.IsGivenUp)
            {
                _sending.Add(group.Partition);
            }
        }

        foreach (var partition in _sending)
        {
            KafkaAppendMetrics.Refused(fatal.Code, partition.GoAway($"its producer broke, {fatal.Reason}"));
        }

        _sending.Clear();
    }

    private void ExpireOverdue()
    {
        while (true)
        {
            DropSettled();
            if (!_inFlight.TryPeek(out var oldest))
            {
                return;
            }

            var age = _time.GetElapsedTime(oldest.OldestTimestamp);
            if (age >= _deliveryTimeout)
            {
                KafkaAppendMetrics.TimedOut.Add(
                    oldest.Partition.GoAway(FormattableString.Invariant($"no report within {_deliveryTimeout.TotalSeconds:0.###} s")));
                continue;
            }

            var isSlow = age >= _deliveryTimeout / 2;
            if (isSlow)
            {
                ExpectTimeouts();
            }

            // Looked at again with the timer set: the clock may have passed the end in between.
            var next = isSlow ? _deliveryTimeout : _deliveryTimeout / 2;
            _timer.Change(next - age > SmallestWait ? next - age : SmallestWait, Timeout.InfiniteTimeSpan);
            if (_time.GetElapsedTime(oldest.OldestTimestamp) < next)
            {
                return;
            }
        }
    }

    private void ExpectTimeouts()
    {
        foreach (var group in _inFlight)
        {
            if (_time.GetElapsedTime(group.OldestTimestamp) < _deliveryTimeout / 2)
            {
                return;
            }

            if (!group.IsSettled && !group.IsGivenUp)
            {
                group.Partition.ExpectTimeout();
            }
        }
    }

    private void DropSettled()
    {
        while (_inFlight.TryPeek(out var oldest) && (oldest.IsSettled || oldest.IsGivenUp))
        {
            _inFlight.Dequeue();
        }
    }

    private static string Describe(PartitionAppender partition, Error error) =>
        $"Kafka does not take a record of partition {partition.Number}: {error.Reason}.";
}
