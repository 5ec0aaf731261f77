using System.Globalization;
using System.Text;
using AdClick.Actors.ClickLog.Spool;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The write side of the click log on Kafka. A click is durable when Kafka has reported it as written by all in-sync replicas; one that Kafka refuses, or does
/// not report within the delivery time-out, is durable when it is in the spool, under the same bytes and so the same nonce: if both copies arrive, the
/// counting rule calls the second one a repeat, in whichever order they come.
/// </summary>
/// <remarks>
/// To read it from top to bottom: <see cref="PartitionAppender"/> collects, <see cref="ProduceThread"/> sends and judges failures, <see cref="ClickGroup"/> waits
/// for the reports, <see cref="SpoolDrain"/> brings spooled clicks after.
/// </remarks>
internal sealed class KafkaAppender : IAsyncDisposable
{
    private readonly ClickSpool _spool;
    private readonly ProduceThread _sender;
    private readonly PartitionAppender[] _partitions;
    private readonly SpoolDrain[] _drains;
    private readonly SemaphoreSlim _permits = new(SpoolDrain.MaxWindows);
    private long _newestAppendMs;
    private int _isDisposed;

    /// <summary>Starts to send, and to drain what the spool holds.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partitions">Number of its partitions, for which the spool was opened.</param>
    /// <param name="spool">Takes what Kafka doesn't. The caller disposes it, after this.</param>
    /// <param name="producers">Makes the producer, and another when it breaks; see <see cref="KafkaProducers"/>.</param>
    /// <param name="deliveryTimeout">How long a click waits for Kafka before it goes to the spool.</param>
    /// <param name="linger">Records are sent in rounds no closer together than this; the first after a pause goes at once.</param>
    /// <param name="time">Measures the time-out.</param>
    /// <param name="logger">Is told when partitions go away and come back.</param>
    public KafkaAppender(
        string topic,
        int partitions,
        ClickSpool spool,
        ProducerFactory producers,
        TimeSpan deliveryTimeout,
        TimeSpan linger,
        TimeProvider time,
        ILogger logger)
    {
        _spool = spool;
        _sender = new ProduceThread(topic, producers, deliveryTimeout, linger, time, logger);
        _partitions = new PartitionAppender[partitions];
        for (var i = 0; i < _partitions.Length; i++)
        {
            _partitions[i] = new PartitionAppender(i, _sender, spool, time, OnAppendTime, logger);
        }

        _drains = [.. spool.Lanes.Select(lane => new SpoolDrain(lane, _partitions, _sender, _permits, time, logger))];
        _sender.Start();
        foreach (var drain in _drains)
        {
            drain.Start();
        }
    }

    /// <summary>The greatest append time in Kafka's reports; the Unix epoch while there is none.</summary>
    public DateTimeOffset NewestAppendTime => DateTimeOffset.FromUnixTimeMilliseconds(Volatile.Read(ref _newestAppendMs));

    /// <summary>Not after the click time of any click in the spool; null when it is empty.</summary>
    public long? SpooledFromMs => _spool.OldestClickMs;

    /// <summary>Null while Kafka or the spool takes clicks of every partition; otherwise a sentence for the operator.</summary>
    public string? Fault =>
        _spool.Fault is { } fault && DescribeAway() is { } away ? $"{away}, and the spool can't take their clicks: {fault}" : null;

    /// <summary>Null when all is well; otherwise a sentence for the operator about what costs no click yet.</summary>
    public string? Notice
    {
        get
        {
            var waiting = _spool.Records;
            var where = FormattableString.Invariant($"{_spool.Folder}, {waiting} waiting");
            if (DescribeAway() is { } away)
            {
                return _spool.Fault is null ? $"{away}: clicks are spooled in {where}." : null; // that is a fault
            }

            if (_spool.Fault is { } fault)
            {
                return $"The spool can't take clicks, so those that Kafka refused would be lost: {fault}";
            }

            if (_spool.Damage is { } damage)
            {
                return damage;
            }

            if (waiting == 0)
            {
                return null;
            }

            var problem = Array.Find(_drains, drain => drain.Problem is not null)?.Problem;
            return $"Kafka takes clicks again; those spooled in {where}, are being delivered.{(problem is null ? "" : $" One can't be: {problem}")}";
        }
    }

    /// <summary>
    /// Appends one encoded record, as <see cref="IClickLog.AppendAsync"/> says. A mark fails at once while Kafka does not take records of its partition.
    /// </summary>
    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        SpoolEntry.SizeOf(key, record); // throws for what the spool could not hold, while it is still the caller's
        return _partitions[partition].AppendAsync(key, record);
    }

    /// <summary>
    /// Takes no more appends, and waits until each of those it took is in Kafka or in the spool: at most the delivery time-out and the spool's writing.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        foreach (var partition in _partitions)
        {
            partition.Close();
        }

        await Task.WhenAll(_drains.Select(drain => drain.EndAsync())).ConfigureAwait(false);

        // Waits for reports, so on a thread of its own.
        await Task.Factory.StartNew(_sender.End, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        foreach (var partition in _partitions)
        {
            await partition.WaitForGivenUpAsync().ConfigureAwait(false);
        }

        await _sender.CloseProducerAsync().ConfigureAwait(false);
        _permits.Dispose();
    }

    private void OnAppendTime(long appendMs)
    {
        var newest = Volatile.Read(ref _newestAppendMs);
        while (appendMs > newest)
        {
            var before = Interlocked.CompareExchange(ref _newestAppendMs, appendMs, newest);
            if (before == newest)
            {
                return;
            }

            newest = before;
        }
    }

    // "Kafka does not take records of partitions 0, 3-5 since …: cause"; null while it takes all.
    private string? DescribeAway()
    {
        var numbers = new StringBuilder();
        PartitionAppender.Away? first = null;
        for (var i = 0; i < _partitions.Length; i++)
        {
            if (_partitions[i].IsAway is not { } away)
            {
                continue;
            }

            first = first is null || away.Since < first.Since ? away : first;
            var last = i;
            while (last + 1 < _partitions.Length && _partitions[last + 1].IsAway is not null)
            {
                last++;
            }

            numbers.Append(CultureInfo.InvariantCulture, $"{(numbers.Length > 0 ? ", " : "")}{i}{(last > i ? $"-{last}" : "")}");
            i = last;
        }

        return first is null
            ? null
            : FormattableString.Invariant($"Kafka does not take records of partitions {numbers} since {first.Since:u} ({first.Cause})");
    }
}
