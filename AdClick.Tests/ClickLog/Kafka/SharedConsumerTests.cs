using System.Diagnostics.Metrics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

public sealed class SharedConsumerTests(KafkaCluster cluster) : IClassFixture<KafkaCluster>
{
    [Fact]
    public async Task What_was_produced_is_read_in_order_from_any_offset()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.ProduceAsync(3000);

        foreach (var from in (long[])[0, 1, 1499, 2999])
        {
            await harness.ReadAsync(0, from, 3000);
        }

        Assert.Equal(new LogRange(0, 3000), harness.Consumer.RangeOf(0));
    }

    [Fact]
    public async Task A_record_carries_its_append_time_and_the_newest_of_all_is_known()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster, 2);
        Assert.Equal(DateTimeOffset.UnixEpoch, harness.Consumer.NewestAppendTime);
        await harness.ProduceAsync(1);
        var before = DateTimeOffset.UtcNow;
        await harness.ProduceAsync(1, partition: 1);

        foreach (var partition in (int[])[1, 0])
        {
            using var reader = harness.Consumer.OpenReader(partition, 0);
            var batch = await reader.ReadAsync(1, CancellationToken.None).AsTask().WithPatience("a record");
            Assert.InRange(batch[0].AppendTimeMs, before.AddMinutes(-1).ToUnixTimeMilliseconds(), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        }

        Assert.InRange(harness.Consumer.NewestAppendTime, before.AddMilliseconds(-1), DateTimeOffset.UtcNow);
    }

    [Fact]
    public async Task A_record_without_a_value_and_an_empty_one_are_empty_records()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.SendAsync(null).WithPatience("the tombstone");
        await harness.SendAsync([]).WithPatience("the empty record");
        await harness.SendAsync([7]).WithPatience("the record");

        var lengths = new List<int>();
        using var reader = harness.Consumer.OpenReader(0, 0);
        while (lengths.Count < 3)
        {
            var batch = await reader.ReadAsync(10, CancellationToken.None).AsTask().WithPatience("the records");
            lengths.AddRange(Enumerable.Range(0, batch.Count).Select(i => batch.Record(i).Length));
        }

        Assert.Equal([0, 0, 1], lengths);
    }

    [Fact]
    public async Task A_waiting_reader_gets_the_record_that_comes()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        using var reader = harness.Consumer.OpenReader(0, 0);
        var reading = ConsumerHarness.ReadAsync(reader, 0, 1);

        await harness.ProduceAsync(1);

        await reading;
    }

    [Fact]
    public async Task A_wait_can_be_cancelled_and_the_reader_goes_on()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        using var reader = harness.Consumer.OpenReader(0, 0);
        using var cancel = new CancellationTokenSource();
        var reading = reader.ReadAsync(10, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WithPatience("the cancellation"));

        await harness.ProduceAsync(1);

        await ConsumerHarness.ReadAsync(reader, 0, 1);
    }

    [Fact]
    public async Task The_end_of_the_consumer_ends_the_waits_and_what_is_opened_after_it()
    {
        var harness = await ConsumerHarness.StartAsync(cluster);
        using var reader = harness.Consumer.OpenReader(0, 0);
        await harness.ProduceAsync(1);
        await ConsumerHarness.ReadAsync(reader, 0, 1);
        var reading = reader.ReadAsync(10, CancellationToken.None).AsTask();

        await harness.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WithPatience("the end of the wait"));
        using var late = harness.Consumer.OpenReader(0, 0);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => late.ReadAsync(10, CancellationToken.None).AsTask().WithPatience("the refusal"));
    }

    [Fact]
    public async Task A_slow_reader_holds_up_no_other_and_loses_nothing_and_its_buffer_is_bounded()
    {
        const int Count = 6000;
        var highWaterMark = 256 * 1024;
        await using var harness = await ConsumerHarness.StartAsync(cluster, 2, settings => settings with { BufferBytes = 0 });
        await harness.ProduceAsync(Count, partition: 0);
        await harness.ProduceAsync(Count, partition: 1);
        using var pause = new PauseWatch();
        using var slow = harness.Consumer.OpenReader(0, 0);
        await pause.First.WithPatience("the partition that nobody reads to be paused");

        await harness.ReadAsync(1, 0, Count);

        var most = 0;
        await ConsumerHarness.ReadAsync(slow, 0, Count, 100, () => most = Math.Max(most, ((KafkaLogReader)slow).BufferedBytes));
        Assert.InRange(most, highWaterMark / 2, highWaterMark + 8 * 1024);
    }

    [Fact]
    public async Task A_partition_that_is_opened_again_begins_where_it_was_told_to()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.ProduceAsync(2000);
        var random = new Random(3);
        for (var i = 0; i < 100; i++)
        {
            var from = random.Next(1990);
            await harness.ReadAsync(0, from, from + random.Next(1, 10)); // what was fetched beyond that is for nobody
        }
    }

    [Fact]
    public async Task A_second_reader_takes_over_from_the_first_and_outlives_its_end()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.ProduceAsync(10);
        var first = harness.Consumer.OpenReader(0, 0);
        await ConsumerHarness.ReadAsync(first, 0, 10);
        var waiting = first.ReadAsync(10, CancellationToken.None).AsTask();

        using var second = harness.Consumer.OpenReader(0, 5);

        await Assert.ThrowsAsync<InvalidOperationException>(() => waiting.WithPatience("the end of the first reader"));
        await ConsumerHarness.ReadAsync(second, 5, 10);
        first.Dispose();
        await harness.ProduceAsync(10);
        await ConsumerHarness.ReadAsync(second, 10, 20);
    }

    [Fact]
    public async Task The_end_of_a_reader_that_was_taken_over_does_not_end_its_heir()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var first = harness.Consumer.OpenReader(0, 0);
        using var second = harness.Consumer.OpenReader(0, 0);
        first.Dispose();

        await harness.ProduceAsync(10);

        await ConsumerHarness.ReadAsync(second, 0, 10);
    }

    [Fact]
    public async Task A_pause_ends_with_its_reader()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster, change: settings => settings with { BufferBytes = 0 });
        await harness.ProduceAsync(2000);
        using var pause = new PauseWatch();
        using var idle = harness.Consumer.OpenReader(0, 0);
        await pause.First.WithPatience("the pause");

        await harness.ReadAsync(0, 0, 2000);
    }

    [Fact]
    public async Task An_offset_beyond_the_end_fails_its_reader_with_partition_offset_and_range()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster, 2);
        await harness.ProduceAsync(10, partition: 1);
        using var reader = harness.Consumer.OpenReader(1, 50);

        var failure = await Assert.ThrowsAsync<IOException>(
            () => reader.ReadAsync(10, CancellationToken.None).AsTask().WithPatience("the failure"));

        Assert.Contains("partition 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("offset 50", failure.Message, StringComparison.Ordinal);
        Assert.Contains("[0, 10)", failure.Message, StringComparison.Ordinal);
        await harness.ReadAsync(1, 0, 10); // the restart
    }

    [MockKafkaFact]
    public async Task Records_that_retention_took_fail_their_reader_and_are_not_passed()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.ProduceAsync(10);
        await harness.ProduceAsync(10); // a set of its own: the mock deletes whole ones
        harness.Cluster.Mock.DeleteRecords(harness.Topic, 0, 10);
        using var reader = harness.Consumer.OpenReader(0, 3);

        var failure = await Assert.ThrowsAsync<IOException>(
            () => reader.ReadAsync(10, CancellationToken.None).AsTask().WithPatience("the failure"));

        Assert.Contains("offset 3", failure.Message, StringComparison.Ordinal);
        Assert.Contains("[10, 20)", failure.Message, StringComparison.Ordinal);
        await harness.ReadAsync(0, 10, 20);
    }

    [Fact]
    public async Task The_range_is_what_the_brokers_say_without_a_reader()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster, 2);
        await harness.ProduceAsync(7, partition: 1);

        var range = await harness.Consumer.FindRangeAsync(1, CancellationToken.None).AsTask().WithPatience("the range");

        Assert.Equal(new LogRange(0, 7), range);
        Assert.Equal(range, harness.Consumer.RangeOf(1));
        Assert.Equal(new LogRange(0, 0), harness.Consumer.RangeOf(0));
    }

    [Fact]
    public async Task Checkpoints_are_committed_to_the_group_also_of_a_partition_that_is_read_no_more()
    {
        var harness = await ConsumerHarness.StartAsync(cluster, 3);
        await harness.ProduceAsync(10, partition: 1);
        await harness.ReadAsync(1, 0, 10);
        harness.Consumer.Checkpointed(1, 8);
        harness.Consumer.Checkpointed(1, 6);
        harness.Consumer.Checkpointed(2, 3);

        await harness.DisposeAsync();

        using var client = new ConsumerBuilder<Ignore, Ignore>(KafkaClientConfig.Consumer(harness.Options)).SetLogHandler((_, _) => { }).Build();
        var partitions = Enumerable.Range(0, 3).Select(partition => new TopicPartition(harness.Topic, partition));
        Assert.Equal([Offset.Unset, 8, 3], client.Committed(partitions, TimeSpan.FromSeconds(60)).Select(committed => committed.Offset));
    }

    [Property(MaxTest = 10)]
    public void Any_order_of_producing_opening_reading_and_closing_reads_each_record_once_and_in_order(int seed) =>
        RunAnyOrderAsync(new Random(seed)).GetAwaiter().GetResult();

    private async Task RunAnyOrderAsync(Random random)
    {
        const int Partitions = 3;
        await using var harness = await ConsumerHarness.StartAsync(cluster, Partitions, settings => settings with { BufferBytes = 0 });
        var ends = new int[Partitions];
        var readers = new (IClickLogReader? Reader, long Offset)[Partitions];
        for (var step = 0; step < 60; step++)
        {
            var partition = random.Next(Partitions);
            var (reader, offset) = readers[partition];
            switch (random.Next(5))
            {
                case 0:
                    var count = random.Next(1, 600);
                    await harness.ProduceAsync(count, partition, 1000); // pauses come by themselves: 250 records fill the buffer
                    ends[partition] += count;
                    break;
                case 1: // also as a take-over
                    offset = random.Next(ends[partition] + 1);
                    readers[partition] = (harness.Consumer.OpenReader(partition, offset), offset);
                    break;
                case 2 when reader is not null && random.Next(2) == 0:
                    reader.Dispose();
                    readers[partition] = default;
                    break;
                case 3 or 4 when reader is not null:
                    var to = random.NextInt64(offset, ends[partition] + 1);
                    await ConsumerHarness.ReadAsync(reader, offset, to, random.Next(1, 300));
                    readers[partition] = (reader, to);
                    break;
            }
        }

        for (var partition = 0; partition < Partitions; partition++)
        {
            if (readers[partition].Reader is { } reader)
            {
                await ConsumerHarness.ReadAsync(reader, readers[partition].Offset, ends[partition]);
            }
        }
    }

    /// <summary>
    /// Sees the first pause after its making. Tests of other classes may pause too: then the wait ends early, which makes a test easier, not red.
    /// </summary>
    private sealed class PauseWatch : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PauseWatch()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "adclick.kafka.consumer.partitions.paused")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, change, _, _) =>
            {
                if (change > 0)
                {
                    _first.TrySetResult();
                }
            });
            _listener.Start();
        }

        public Task First => _first.Task;

        public void Dispose() => _listener.Dispose();
    }
}
