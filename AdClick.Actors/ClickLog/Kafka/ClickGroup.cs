using System.Runtime.InteropServices;
using AdClick.Actors.ClickLog.Spool;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The clicks that were appended to a partition between two rounds: they share one task, which ends when each of them is durable in Kafka or in the spool.
/// Marks among them have a task of their own, since they are never spooled: a mark that waited would say nothing that a newer one doesn't say better.
/// </summary>
internal sealed class ClickGroup : RecordGroup
{
    private readonly ClickSpool _spool;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource _clicksSafe = NewTask();
    private TaskCompletionSource? _marksSafe;
    private int _clicks; // not known to be durable
    private int _marks;
    private int _delivered;
    private Exception? _clickFailure;
    private Exception? _markFailure;

    /// <summary>An empty group.</summary>
    public ClickGroup(PartitionAppender partition, ClickSpool spool, TimeProvider time, long timestamp) : base(partition, timestamp, 4)
    {
        _spool = spool;
        _time = time;
    }

    /// <summary>Adds a record while the group collects, and gives the task to wait for.</summary>
    /// <param name="key">Null for a mark.</param>
    /// <param name="record">The encoded record.</param>
    public Task Add(byte[]? key, byte[] record)
    {
        AddRecord(key, record);
        if (key is not null)
        {
            _clicks++;
            return _clicksSafe.Task;
        }

        _marks++;
        _marksSafe ??= NewTask();
        return _marksSafe.Task;
    }

    /// <inheritdoc/>
    public override (int Records, Task Safe) GiveUp(int from, bool onlyRefused, string reason)
    {
        List<(byte[]? Key, byte[] Record)> taken;
        lock (Gate)
        {
            taken = TakeOpen(from, onlyRefused);
        }

        if (taken.Count == 0)
        {
            return (0, Task.CompletedTask);
        }

        // Many of them share a task, as they share a commit.
        var spooling = new List<Task>();
        var marks = 0;
        foreach (var (key, record) in CollectionsMarshal.AsSpan(taken))
        {
            if (key is null)
            {
                marks++;
                continue;
            }

            var append = _spool.AppendAsync(Partition.Number, key, record);
            if (spooling.Count == 0 || spooling[^1] != append)
            {
                spooling.Add(append);
            }
        }

        return (taken.Count, WaitForSpoolAsync(spooling, taken.Count - marks, marks, reason));
    }

    /// <inheritdoc/>
    protected override void OnDelivered(bool isMark)
    {
        _delivered++;
        if (isMark)
        {
            _marks--;
        }
        else
        {
            _clicks--;
        }
    }

    /// <inheritdoc/>
    protected override void AfterReport()
    {
        if (IsSettled)
        {
            CompleteIfDone();
        }
    }

    private async Task WaitForSpoolAsync(List<Task> spooling, int clicks, int marks, string reason)
    {
        Exception? failure = null;
        try
        {
            await Task.WhenAll(spooling).ConfigureAwait(false);
        }
        catch (ClickLogUnavailableException e)
        {
            failure = new ClickLogUnavailableException($"{reason} The spool can't take the click either: {e.Message}", e);
        }
#pragma warning disable CA1031 // Whatever went wrong, the clicks aren't known to be durable: whoever waits must hear it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = new ClickLogUnavailableException($"{reason} The spool failed: {e.Message}", e);
        }

        lock (Gate)
        {
            _clicks -= clicks;
            _marks -= marks;
            _clickFailure ??= failure;
            _markFailure ??= marks > 0 ? new ClickLogUnavailableException(reason) : null;
        }

        CompleteIfDone();
    }

    // Not under the gate: a task may be ended twice, by the producer's thread and by the spool's; the second time changes nothing.
    private void CompleteIfDone()
    {
        bool areClicksSafe;
        bool areMarksSafe;
        lock (Gate)
        {
            areClicksSafe = _clicks == 0;
            areMarksSafe = _marks == 0;
        }

        if (areMarksSafe && _marksSafe is not null)
        {
            End(_marksSafe, _markFailure);
        }

        if (areClicksSafe && End(_clicksSafe, _clickFailure))
        {
            KafkaAppendMetrics.AppendDuration.Record(_time.GetElapsedTime(OldestTimestamp).TotalSeconds);
        }

        if (areClicksSafe && areMarksSafe && Interlocked.Exchange(ref _delivered, 0) is var delivered and > 0)
        {
            KafkaAppendMetrics.Delivered.Add(delivered);
        }
    }

    private static bool End(TaskCompletionSource task, Exception? failure) =>
        failure is null ? task.TrySetResult() : task.TrySetException(failure);

    // Callers go on on the pool: the producer's thread only takes reports.
    private static TaskCompletionSource NewTask() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
