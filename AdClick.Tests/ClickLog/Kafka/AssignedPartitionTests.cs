using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Tests.Support;
using Xunit;
using static AdClick.Actors.ClickLog.Kafka.AssignedPartition;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>What the consumer's thread and a reader do to one assignment, without Kafka between them.</summary>
public sealed class AssignedPartitionTests(KafkaCluster cluster) : IClassFixture<KafkaCluster>
{
    private const int HighWaterMark = 1000;

    [Fact]
    public async Task A_gap_is_passed_when_a_second_reading_shows_it_too()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 5);
        using var reader = new KafkaLogReader(harness.Consumer, assigned);

        Assert.Equal(Offered.OutOfTurn, Offer(assigned, 7)); // of an assignment before this one, say
        Assert.Equal(Offered.Taken, Offer(assigned, 5));
        Assert.Equal(Offered.OutOfTurn, Offer(assigned, 8)); // 6 and 7 are the markers of a transaction
        Assert.Equal(Offered.Taken, Offer(assigned, 8));
        Assert.Equal(Offered.Dropped, Offer(assigned, 8));

        var batch = await reader.ReadAsync(10, CancellationToken.None);
        Assert.Equal([5, 8], Enumerable.Range(0, batch.Count).Select(i => batch[i].Offset));
        Assert.Equal(9, batch.NextOffset);
        Assert.Contains(harness.Log.Lines, line => line.Text.Contains("[6, 8)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_batch_ends_at_its_bound_and_the_next_goes_on_there()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 0);
        using var reader = new KafkaLogReader(harness.Consumer, assigned);
        for (var offset = 0; offset < 5; offset++)
        {
            Offer(assigned, offset, length: 40_000); // more than one fits into a chunk, but not all
        }

        foreach (var count in (int[])[3, 2])
        {
            Assert.Equal(count, (await reader.ReadAsync(3, CancellationToken.None)).Count);
        }
    }

    [Fact]
    public async Task A_record_longer_than_a_chunk_is_read_whole()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 0);
        using var reader = new KafkaLogReader(harness.Consumer, assigned);
        Offer(assigned, 0, length: 10);
        Offer(assigned, 1, length: 1_000_000);

        var batch = await reader.ReadAsync(10, CancellationToken.None);

        Assert.Equal([10, 1_000_000], Enumerable.Range(0, batch.Count).Select(i => batch.Record(i).Length));
    }

    [Fact]
    public async Task Nothing_is_taken_for_a_reader_that_is_closed()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 0);
        var reader = new KafkaLogReader(harness.Consumer, assigned);
        Assert.Equal(Offered.Taken, Offer(assigned, 0));
        var waiting = assigned.WaitAsync();

        reader.Dispose();

        Assert.True(waiting.IsCompleted);
        Assert.Equal(Offered.Dropped, Offer(assigned, 1));
        Assert.Equal(0, assigned.BufferedBytes);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reader.ReadAsync(1, CancellationToken.None).AsTask());
    }

    [Fact]
    public async Task What_came_before_a_failure_is_read_before_it()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 0);
        using var reader = new KafkaLogReader(harness.Consumer, assigned);
        Offer(assigned, 0);
        assigned.Fail(new IOException("gone"));

        Assert.Equal(1, (await reader.ReadAsync(10, CancellationToken.None)).Count);
        await Assert.ThrowsAsync<IOException>(() => reader.ReadAsync(10, CancellationToken.None).AsTask());
    }

    [Fact]
    public async Task A_full_buffer_asks_for_one_pause_and_only_a_paused_partition_is_resumed()
    {
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        var assigned = new AssignedPartition(harness.Consumer, 0, 0);
        Assert.False(assigned.TryEndPause());
        Assert.Equal(Offered.Taken, Offer(assigned, 0, length: 900));
        Assert.Equal(Offered.TakenAndFull, Offer(assigned, 1, length: 900));
        Assert.Equal(Offered.Taken, Offer(assigned, 2, length: 900)); // on its way already
        Assert.True(assigned.TryEndPause());
        Assert.Equal(Offered.TakenAndFull, Offer(assigned, 3, length: 900));
        assigned.Close();
    }

    private static Offered Offer(AssignedPartition assigned, long offset, int length = 10) =>
        assigned.Offer(offset, 0, ConsumerHarness.Record(offset, length), HighWaterMark);
}
