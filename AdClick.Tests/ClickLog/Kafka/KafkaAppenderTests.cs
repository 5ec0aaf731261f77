using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using Confluent.Kafka;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>The write side of the Kafka log while Kafka answers, or fails in one way at a time; reports come when the test says.</summary>
public sealed class KafkaAppenderTests : IAsyncLifetime
{
    private readonly KafkaAppenderFixture _log = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _log.DisposeAsync().AsTask();

    [Fact]
    public async Task Appends_between_two_rounds_share_a_task_that_ends_with_the_last_report()
    {
        using var gate = new ManualResetEventSlim();
        _log.Producer.Answer = _ => gate.Wait();
        var first = _log.AppendAsync(0);

        // Either all in the first's round or all behind it: the round that follows waits at the gate.
        var behind = new List<Task>();
        for (var i = 1; i <= 20; i++)
        {
            behind.Add(_log.AppendAsync(i));
        }

        gate.Set();
        var sent = new List<ProducedRecord>();
        for (var i = 0; i <= 20; i++)
        {
            sent.Add(await _log.Producer.NextAsync($"click {i}"));
            Assert.Equal(i, sent[i].Number);
            Assert.Equal("ad/0"u8, sent[i].Key!);
        }

        Assert.InRange(behind.Append(first).Distinct().Count(), 1, 2);
        foreach (var record in sent.Take(20))
        {
            record.Deliver(5);
        }

        Assert.False(behind[^1].IsCompleted);
        sent[20].Deliver(7);
        await behind[^1].InTime("the last click");
        await first.InTime("the first click");
        Assert.Equal(7, _log.Appender.NewestAppendTime.ToUnixTimeMilliseconds());
        Assert.Equal(0, _log.Spool.Records);
        Assert.Null(_log.Appender.Notice);
        Assert.Null(_log.Appender.Fault);
    }

    [Fact]
    public async Task A_refused_click_goes_to_the_spool_and_so_do_those_behind_it_until_the_probe_is_delivered()
    {
        var (first, sentFirst) = await _log.SendAsync(1);
        var (second, _) = await _log.SendAsync(2);
        sentFirst.Fail(ErrorCode.NotEnoughReplicas);
        await first.InTime("the refused click in the spool");
        await second.InTime("the click behind it in the spool");
        await _log.AppendAsync(3).InTime("a click straight to the spool");
        Assert.Equal(3, _log.Spool.Records);
        Assert.Contains("partitions 0 since", _log.Appender.Notice, StringComparison.Ordinal);
        Assert.Contains("3 waiting", _log.Appender.Notice, StringComparison.Ordinal);
        Assert.Null(_log.Appender.Fault);

        // The oldest spooled click is the probe, alone.
        var probe = await _log.Producer.NextAsync("the probe");
        Assert.Equal(1, probe.Number);
        Assert.Equal("ad/0"u8, probe.Key!);

        // Other partitions are not concerned.
        var (other, sentOther) = await _log.SendAsync(9, partition: 1);
        sentOther.Deliver();
        await other.InTime("a click of another partition");
        Assert.False(_log.Producer.HasNext);
        probe.Deliver();
        var fourth = _log.AppendAsync(4);
        var rest = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            var sent = await _log.Producer.NextAsync("the rest of the spool, and the new click");
            rest.Add(sent.Number);
            sent.Deliver(); // the spooled ones may go one after the other
        }

        Assert.Equal([2, 3], rest.Where(number => number != 4));
        await fourth.InTime("the new click, which never was in the spool");
    }

    [Fact]
    public async Task A_click_without_a_report_is_in_the_spool_when_the_time_out_is_over_and_a_late_report_changes_nothing()
    {
        var (append, sent) = await _log.SendAsync(1);
        _log.Time.Advance(KafkaAppenderFixture.Timeout - TimeSpan.FromMilliseconds(1));
        Assert.False(append.IsCompleted);
        _log.Time.Advance(TimeSpan.FromMilliseconds(2));
        await append.InTime("the click in the spool");
        Assert.Equal(1, _log.Spool.Records);

        sent.Deliver();
        Assert.NotNull(_log.Appender.Notice); // the late report is no sign that new ones come in time
        var probe = await _log.Producer.NextAsync("the probe");
        Assert.Equal(sent.Record, probe.Record); // the same nonce
        probe.Deliver();
        var (next, sentNext) = await _log.SendAsync(2);
        sentNext.Deliver();
        await next.InTime("a click after Kafka is back");
    }

    [Fact]
    public async Task The_spool_of_a_partition_is_opened_when_half_the_time_out_is_over()
    {
        var (slow, sent) = await _log.SendAsync(1, partition: 1);
        _log.Time.Advance(KafkaAppenderFixture.Timeout / 2 - TimeSpan.FromMilliseconds(1));
        var (_, other) = await _log.SendAsync(2, partition: 2); // after that the sender has looked at the clock, and set its timer
        other.Deliver();
        Assert.False(_log.OpenedLanes.TryPeek(out _));

        _log.Time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(1, await _log.OpenedLanes.ReadAsync().InTime("the lane to be opened"));
        Assert.False(slow.IsCompleted);
        Assert.False(_log.OpenedLanes.TryPeek(out _));
        Assert.Equal(0, _log.Spool.Records);
        sent.Deliver();
        await slow.InTime("the report");
    }

    [Fact]
    public async Task A_probe_that_fails_is_repeated_alone_after_a_pause_and_then_the_spool_is_drained_in_order()
    {
        var probe = await _log.GoAwayAsync(0);
        for (var i = 1; i < 5; i++)
        {
            await _log.AppendAsync(i).InTime("a click straight to the spool");
        }

        for (var i = 0; i < 6; i++)
        {
            probe.Fail(ErrorCode.NotEnoughReplicas);
            var pause = await _log.Time.NextDelayAsync("the pause after a probe");
            Assert.InRange(pause, TimeSpan.FromMilliseconds(50 * Math.Min(1 << i, 10)), TimeSpan.FromMilliseconds(100 * Math.Min(1 << i, 10)));
            Assert.False(_log.Producer.HasNext);
            _log.Time.Advance(pause);
            probe = await _log.Producer.NextAsync("the next probe");
            Assert.Equal(0, probe.Number);
            Assert.False(_log.Producer.HasNext);
        }

        probe.Deliver();
        for (var i = 1; i < 5; i++)
        {
            var sent = await _log.Producer.NextAsync($"spooled click {i}");
            Assert.Equal(i, sent.Number);
            sent.Deliver();
        }
    }

    [Fact]
    public async Task A_probe_without_a_report_ends_with_the_time_out()
    {
        var probe = await _log.GoAwayAsync(0);
        _log.Time.Advance(KafkaAppenderFixture.Timeout);
        await _log.Time.PassDelayAsync("the pause after a probe");
        Assert.Equal(probe.Record, (await _log.Producer.NextAsync("the next probe")).Record);
    }

    [Fact]
    public async Task More_than_the_spool_lets_wait_for_its_disk_can_be_outstanding_when_a_partition_goes_away()
    {
        const int Clicks = 1600;
        await using var log = new KafkaAppenderFixture(spoolBytes: 100_000_000);
        var appends = new List<Task>();
        for (var i = 0; i < Clicks; i++)
        {
            appends.Add(log.Appender.AppendAsync(0, "ad/0"u8, Record(i, length: 4000)));
            if (i % 100 == 99)
            {
                for (var sent = 0; sent < 100; sent++)
                {
                    await log.Producer.NextAsync("the clicks so far"); // what waits to be sent is bounded, too
                }
            }
        }

        log.Time.Advance(KafkaAppenderFixture.Timeout);
        await Task.WhenAll(appends).InTime("all clicks in the spool");
        Assert.Equal(Clicks, log.Spool.Records);
    }

    [Fact]
    public async Task A_mark_is_never_spooled_and_is_the_probe_while_the_spool_holds_nothing()
    {
        var mark = _log.AppendMarkAsync(1);
        var sent = await _log.Producer.NextAsync("the mark");
        Assert.Null(sent.Key);
        sent.Fail(ErrorCode.Local_MsgTimedOut);
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => mark.InTime("the failure of the mark"));
        Assert.Equal(0, _log.Spool.Records);

        var probe = _log.AppendMarkAsync(2);
        var sentProbe = await _log.Producer.NextAsync("the mark that probes");
        var another = _log.AppendMarkAsync(3);
        Assert.True(another.IsFaulted);
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => another);

        sentProbe.Deliver();
        await probe.InTime("the mark that found Kafka back");
        var (click, sentClick) = await _log.SendAsync(4);
        sentClick.Deliver();
        await click.InTime("a click after Kafka is back");
    }

    [Fact]
    public async Task A_mark_fails_at_once_while_a_spooled_click_is_the_probe()
    {
        await _log.GoAwayAsync(0);
        Assert.True(_log.AppendMarkAsync(1).IsFaulted);
        Assert.False(_log.Producer.HasNext);
    }

    [Fact]
    public async Task A_mark_that_travelled_with_refused_clicks_fails_and_the_clicks_do_not()
    {
        using var gate = new ManualResetEventSlim();
        _log.Producer.Answer = _ => gate.Wait();
        _ = _log.AppendAsync(0, partition: 1); // holds the round
        var click = _log.AppendAsync(1);
        var mark = _log.AppendMarkAsync(2);
        gate.Set();
        await _log.Producer.NextAsync("the first click");
        (await _log.Producer.NextAsync("the click")).Fail(ErrorCode.NotEnoughReplicas);
        await click.InTime("the click in the spool");
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => mark.InTime("the failure of the mark"));
        Assert.Equal(1, _log.Spool.Records);
    }

    [Fact]
    public async Task A_full_queue_sends_a_click_to_the_spool_and_the_next_one_to_Kafka()
    {
        _log.Producer.Answer = record =>
        {
            if (record.Number == 1)
            {
                throw FakeProducer.Failure(ErrorCode.Local_QueueFull);
            }
        };
        await _log.AppendAsync(1).InTime("the click in the spool");
        var (next, sent) = await _log.SendAsync(2);
        sent.Deliver();
        await next.InTime("the next click");

        _log.Producer.Answer = null;
        await _log.Time.PassDelayAsync("the pause of the drain, which met the full queue too");
        Assert.Equal(1, (await _log.Producer.NextAsync("the spooled click")).Number);
    }

    [Fact]
    public async Task A_record_that_Kafka_will_never_take_waits_in_the_spool_and_holds_up_no_other()
    {
        var (append, sent) = await _log.SendAsync(1);
        sent.Fail(ErrorCode.MsgSizeTooLarge);
        await append.InTime("the click in the spool");
        (await _log.Producer.NextAsync("the drain's try")).Fail(ErrorCode.MsgSizeTooLarge);
        await _log.Time.NextDelayAsync("the pause of the drain");
        Assert.Contains("One can't be", _log.Appender.Notice, StringComparison.Ordinal);

        var (next, sentNext) = await _log.SendAsync(2);
        sentNext.Deliver();
        await next.InTime("a click of the same partition");
        Assert.Equal(1, _log.Spool.Records);
    }

    [Fact]
    public async Task A_click_that_neither_Kafka_nor_the_spool_takes_is_refused()
    {
        await using var log = new KafkaAppenderFixture(spoolBytes: 1);
        var (append, sent) = await log.SendAsync(1);
        sent.Fail(ErrorCode.NotEnoughReplicas);
        var refused = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => append.InTime("the refusal"));
        Assert.Contains("partition 0", refused.Message, StringComparison.Ordinal);
        Assert.Contains("SpoolMaxBytes", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(2).InTime("the refusal at once"));
        Assert.Contains("SpoolMaxBytes", log.Appender.Fault, StringComparison.Ordinal);

        // A mark finds out that Kafka is back, and the log with it.
        var mark = log.AppendMarkAsync(3);
        (await log.Producer.NextAsync("the mark")).Deliver();
        await mark.InTime("the mark");
        Assert.Null(log.Appender.Fault);
        Assert.Contains("SpoolMaxBytes", log.Appender.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_producer_is_replaced_and_what_it_had_not_delivered_is_spooled()
    {
        var broken = _log.Producer;
        var (first, sentFirst) = await _log.SendAsync(1);
        var (second, _) = await _log.SendAsync(2, partition: 1);
        broken.RaiseFatal(ErrorCode.OutOfOrderSequenceNumber);
        await first.InTime("a click in the spool");
        await second.InTime("a click of another partition in the spool");
        Assert.Contains(_log.Log.Lines, line => line.Contains("producer broke", StringComparison.Ordinal));

        // Not at once, so that a lasting cause doesn't build producer after producer.
        await _log.Time.NextDelayAsync("the pause of one drain");
        await _log.Time.NextDelayAsync("the pause of the other");
        Assert.Same(broken, _log.Producer);
        sentFirst.Deliver();
        _log.Time.Advance(TimeSpan.FromSeconds(1));
        await _log.NextProducerAsync();
        var probes = new[] { await _log.Producer.NextAsync("a probe"), await _log.Producer.NextAsync("the other probe") };
        Assert.Equal([1, 2], probes.Select(probe => probe.Number).Order());
        Assert.NotSame(broken, _log.Producer);
    }

    [Fact]
    public async Task Closing_waits_for_reports_and_spools_what_has_none()
    {
        var (delivered, sentDelivered) = await _log.SendAsync(1);
        var (lost, _) = await _log.SendAsync(2, partition: 1);
        var closing = _log.Appender.DisposeAsync().AsTask();
        Assert.True(_log.AppendAsync(3).IsFaulted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _log.AppendAsync(3));
        sentDelivered.Deliver();
        await delivered.InTime("the delivered click");
        Assert.False(closing.IsCompleted);
        _log.Time.Advance(KafkaAppenderFixture.Timeout);
        await closing.InTime("the end");
        Assert.True(lost.IsCompletedSuccessfully);
        Assert.Equal(1, _log.Spool.Records);
        Assert.True(_log.Producer.IsDisposed);
    }
}
