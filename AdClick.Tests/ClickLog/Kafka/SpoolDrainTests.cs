using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Actors.Clicks;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>What a gateway finds in its spool when it starts is brought to Kafka, in order, and nobody waits for it.</summary>
public sealed class SpoolDrainTests
{
    [Fact]
    public async Task A_filled_spool_is_drained_in_windows_and_new_clicks_do_not_wait_behind_it()
    {
        await using var log = new KafkaAppenderFixture(fill: spool => Fill(spool, 2 * SpoolDrain.WindowClicks));
        var window = new List<ProducedRecord>();
        for (var i = 0; i < SpoolDrain.WindowClicks; i++)
        {
            window.Add(await log.Producer.NextAsync($"spooled click {i}"));
            Assert.Equal(i, window[i].Number);
        }

        // None of the window has been reported, so the second is not sent; a click is.
        var (append, sent) = await log.SendAsync(999_999);
        Assert.False(log.Producer.HasNext);
        sent.Deliver();
        await append.InTime("the new click");
        Assert.Contains("2000 waiting, are being delivered", log.Appender.Notice, StringComparison.Ordinal);

        window.ForEach(record => record.Deliver());
        for (var i = 0; i < SpoolDrain.WindowClicks; i++)
        {
            var next = await log.Producer.NextAsync("the second window");
            Assert.Equal(SpoolDrain.WindowClicks + i, next.Number);
            if (i == 0)
            {
                Assert.Equal(SpoolDrain.WindowClicks, log.Spool.Records);
            }

            next.Deliver();
        }
    }

    [Fact]
    public async Task What_is_behind_a_refused_click_of_a_window_stays_in_the_spool_until_it_is_delivered_in_order()
    {
        await using var log = new KafkaAppenderFixture(fill: spool => Fill(spool, 10));
        var window = await TakeAsync(log, 10);
        for (var i = 0; i < 4; i++)
        {
            window[i].Deliver();
        }

        window[5].Deliver();
        window[4].Fail(ErrorCode.NotEnoughReplicas);
        await log.Time.PassDelayAsync("the pause of the drain");
        Assert.Equal(6, log.Spool.Records);
        window[6].Deliver(); // late: it goes again

        var probe = await log.Producer.NextAsync("the probe");
        Assert.Equal(4, probe.Number);
        Assert.False(log.Producer.HasNext);
        probe.Deliver();
        Assert.Equal([5, 6, 7, 8, 9], (await TakeAsync(log, 5)).Select(record => record.Number));
    }

    [Fact]
    public async Task A_queue_that_fills_up_within_a_window_cuts_it_there()
    {
        await using var log = new KafkaAppenderFixture(fill: spool => Fill(spool, 1), onProducer: producer => producer.Answer = record =>
        {
            if (record.Number == 0)
            {
                throw FakeProducer.Failure(ErrorCode.Local_QueueFull);
            }
        });
        await log.Time.NextDelayAsync("the pause of the drain");
        Assert.Equal(1, log.Spool.Records);

        // The partition takes clicks all the while.
        var (append, sent) = await log.SendAsync(1);
        sent.Deliver();
        await append.InTime("a new click");
    }

    [Fact]
    public async Task Closing_waits_for_the_window_on_its_way_and_leaves_the_rest_for_the_next_start()
    {
        await using var log = new KafkaAppenderFixture(fill: spool => Fill(spool, SpoolDrain.WindowClicks + 1));
        var window = await TakeAsync(log, SpoolDrain.WindowClicks);
        var closing = log.Appender.DisposeAsync().AsTask();
        Assert.False(closing.IsCompleted);
        window.ForEach(record => record.Deliver());
        await closing.InTime("the end");
        Assert.Equal(1, log.Spool.Records);
    }

    [Fact]
    public async Task A_second_drain_of_the_same_spool_delivers_what_the_first_had_only_read()
    {
        await using var log = new KafkaAppenderFixture(fill: spool => Fill(spool, 10));
        var window = await TakeAsync(log, 10);
        window[0].Deliver();
        window[1].Fail(ErrorCode.NotEnoughReplicas); // the batch is read, and nothing behind this one is delivered
        await log.Time.PassDelayAsync("the pause of the drain");
        var probe = await log.Producer.NextAsync("the probe");
        probe.Fail(ErrorCode.NotEnoughReplicas);
        await log.DisposeAppenderAsync();
        Assert.Equal(9, log.Spool.Records);

        var producer = new FakeProducer(_ => { });
        await using var second = new KafkaAppender(
            "clicks", KafkaAppenderFixture.Partitions, log.Spool, _ => producer, KafkaAppenderFixture.Timeout, TimeSpan.Zero, log.Time, NullLogger.Instance);
        for (var i = 1; i < 10; i++)
        {
            var record = await producer.NextAsync($"spooled click {i}");
            Assert.Equal(i, record.Number);
            record.Deliver();
        }
    }

    [Fact]
    public async Task Clicks_that_were_spooled_for_another_number_of_partitions_go_where_their_keys_belong()
    {
        using var folder = new TemporaryFolder();
        var keys = Enumerable.Range(0, 40).Select(i => System.Text.Encoding.ASCII.GetBytes($"ad{i}/0")).ToList();
        await using (var before = ClickSpool.Open(folder.Path, 5, 1_000_000, TimeProvider.System))
        {
            for (var i = 0; i < keys.Count; i++)
            {
                await before.AppendAsync(AdKey.PartitionOf(keys[i], 5), keys[i], Record(i)).InTime("the spool");
            }
        }

        await using var log = new KafkaAppenderFixture(folder: folder);
        foreach (var sent in await TakeAsync(log, keys.Count))
        {
            Assert.Equal(keys[(int)sent.Number], sent.Key);
            Assert.Equal(AdKey.PartitionOf(sent.Key, KafkaAppenderFixture.Partitions), sent.Partition);
            sent.Deliver();
        }

        await log.DisposeAppenderAsync();
        Assert.Equal(0, log.Spool.Records);
    }

    private static void Fill(ClickSpool spool, int clicks) =>
        Task.WhenAll(Enumerable.Range(0, clicks).Select(i => spool.AppendAsync(0, "ad/0"u8, Record(i)))).GetAwaiter().GetResult();

    private static async Task<List<ProducedRecord>> TakeAsync(KafkaAppenderFixture log, int count)
    {
        var taken = new List<ProducedRecord>();
        for (var i = 0; i < count; i++)
        {
            taken.Add(await log.Producer.NextAsync($"record {i} of {count}"));
        }

        return taken;
    }
}
