using System.Diagnostics.Metrics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog;

public sealed class EmbeddedClickLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_appended_can_be_read_with_its_offset()
    {
        await using var log = Open(_folder);
        await log.AppendEachAsync(0, 5);

        var read = await log.ReadAllAsync();

        Assert.Equal([0, 1, 2, 3, 4], read.Select(record => record.Number));
        Assert.Equal(new LogRange(0, 5), log.RangeOf(0));
    }

    [Fact]
    public async Task Records_of_every_length_come_back_as_they_were_across_pages_and_segments()
    {
        await using var log = Open(_folder);
        var random = new Random(7);
        var records = Enumerable.Range(0, 400).Select(i =>
        {
            var length = i switch { 0 => 0, 1 => 1, 2 => ClickLogLimits.MaxRecordBytes, _ => random.Next(ClickLogLimits.MaxRecordBytes + 1) };
            var record = new byte[length];
            random.NextBytes(record);
            return record;
        }).ToList();
        await Task.WhenAll(records.Select(record => log.AppendAsync(0, default, record))).InTime("400 appends");

        using var reader = log.OpenReader(0, 0);
        for (var next = 0; next < records.Count;)
        {
            var batch = await reader.ReadAsync(7, CancellationToken.None).InTime("a batch");
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.True(batch.Record(i).SequenceEqual(records[next++]), $"Record {next - 1} differs.");
            }
        }

        Assert.True(_folder.Segments().Length > 10);
    }

    [Fact]
    public async Task A_reader_waits_for_the_next_record_and_gets_it()
    {
        await using var log = Open(_folder);
        using var reader = log.OpenReader(0, 0);
        var reading = reader.ReadAsync(10, CancellationToken.None);
        Assert.False(reading.IsCompleted);

        await log.AppendAsync(42).InTime("the append");

        var batch = await reading.InTime("the record");
        Assert.Equal(1, batch.Count);
        Assert.Equal(42, NumberOf(batch.Record(0)));
        Assert.Equal(1, batch.NextOffset);
    }

    [Fact]
    public async Task A_wait_can_be_cancelled_and_the_reader_goes_on()
    {
        await using var log = Open(_folder);
        using var reader = log.OpenReader(0, 0);
        using var cancel = new CancellationTokenSource();
        var reading = reader.ReadAsync(10, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.InTime("the cancellation"));

        await log.AppendAsync(1).InTime("the append");

        Assert.Equal(1, NumberOf((await reader.ReadAsync(10, CancellationToken.None).InTime("the record")).Record(0)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.ReadAsync(10, cancel.Token).AsTask());
    }

    [Fact]
    public async Task A_batch_is_filled_up_to_its_bound()
    {
        await using var log = Open(_folder);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => log.AppendAsync(i))).InTime("1,000 appends");
        using var reader = log.OpenReader(0, 0);

        Assert.Equal(300, (await reader.ReadAsync(300, CancellationToken.None).InTime("a batch")).Count);
        Assert.Equal(700, (await reader.ReadAsync(10_000, CancellationToken.None).InTime("a batch")).Count);
    }

    [Fact]
    public async Task Any_offset_can_be_read_from()
    {
        await using var log = Open(_folder);
        await Task.WhenAll(Enumerable.Range(0, 2000).Select(i => log.AppendAsync(i, length: 20 + (i * 37 % 500)))).InTime("2,000 appends");

        for (var offset = 0; offset < 2000; offset += 13)
        {
            using var reader = log.OpenReader(0, offset);
            var batch = await reader.ReadAsync(3, CancellationToken.None).InTime($"offset {offset}");
            Assert.Equal(offset, batch[0].Offset);
            Assert.Equal(offset, NumberOf(batch.Record(0)));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => log.OpenReader(0, 2001));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.OpenReader(0, -1));
    }

    [Fact]
    public async Task Concurrent_appends_share_commits_and_each_is_read_once_in_order()
    {
        const int Writers = 64;
        const int Each = 200;
        long commits = 0;
        long records = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, owner) =>
        {
            if (instrument.Name == "adclick.log.commit.records")
            {
                owner.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) =>
        {
            Interlocked.Increment(ref commits);
            Interlocked.Add(ref records, value);
        });

        await using var log = Open(_folder, partitions: 3);
        listener.Start();
        using var tailing = log.OpenReader(1, 0);
        var seen = new List<long>();
        var reading = Task.Run(async () =>
        {
            while (seen.Count < Writers * Each / 3)
            {
                var batch = await tailing.ReadAsync(50, CancellationToken.None);
                for (var i = 0; i < batch.Count; i++)
                {
                    Assert.Equal(seen.Count, batch[i].Offset);
                    seen.Add(NumberOf(batch.Record(i)));
                }
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                var number = (writer * Each) + i;
                await log.AppendAsync(number, partition: number % 3);
            }
        }))).InTime("the writers");
        await reading.InTime("the tailing reader");

        var all = new List<long>();
        for (var partition = 0; partition < 3; partition++)
        {
            var numbers = (await log.ReadAllAsync(partition)).Select(record => record.Number).ToList();
            all.AddRange(numbers);

            // A writer waits for each append, so its records keep their order.
            Assert.All(numbers.GroupBy(number => number / Each), writer => Assert.Equal(writer.Order(), writer));
        }

        Assert.Equal(Enumerable.Range(0, Writers * Each).Select(number => (long)number), all.Order());
        Assert.Equal((await log.ReadAllAsync(1)).Select(record => record.Number).Take(seen.Count), seen);
        Assert.True(Volatile.Read(ref records) >= Writers * Each);
        Assert.True(Volatile.Read(ref commits) < Volatile.Read(ref records) / 2, $"{commits} commits for {records} records.");
    }

    [Fact]
    public async Task Appends_of_one_commit_share_a_task()
    {
        using var gate = new ManualResetEventSlim();
        using var writing = new ManualResetEventSlim();
        await using var log = EmbeddedClickLog.Open(
            _folder.Path, 1, TimeProvider.System, null, Small, files => new GatedDevice(files, writing, gate));
        var first = log.AppendAsync(0);
        Assert.True(writing.Wait(TimeSpan.FromSeconds(20)), "Waited 20 s for the first write.");

        // One write is under way: all that comes now collects for the next.
        var second = log.AppendAsync(1);
        var third = log.AppendAsync(2);
        Assert.Same(second, third);
        Assert.NotSame(first, second);
        Assert.False(first.IsCompleted);
        Assert.Equal(0, log.RangeOf(0).End);
        gate.Set();
        await third.InTime("the second commit");
        Assert.True(first.IsCompletedSuccessfully);
        Assert.Equal(3, log.RangeOf(0).End);
    }

    [Fact]
    public async Task The_bytes_are_copied_before_the_call_returns()
    {
        await using var log = Open(_folder);
        var record = Record(1);
        var append = log.AppendAsync(0, default, record);
        record.AsSpan().Fill((byte)'9');
        await append.InTime("the append");

        Assert.Equal(1, (await log.ReadAllAsync()).Single().Number);
    }

    [Fact]
    public async Task Append_time_never_goes_back_even_when_the_clock_does()
    {
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(1_000_000)) { AutoAdvanceAmount = TimeSpan.Zero };
        await using (var log = Open(_folder, partitions: 2, time: time))
        {
            Assert.Equal(DateTimeOffset.UnixEpoch, log.NewestAppendTime);
            await log.AppendAsync(0).InTime("an append");
        }

        // A FakeTimeProvider refuses to step back; another one that starts earlier is the clock that was set back over a restart.
        var earlier = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(400_000));
        await using (var log = Open(_folder, partitions: 2, time: earlier))
        {
            Assert.Equal(1_000_000, log.NewestAppendTime.ToUnixTimeMilliseconds());
            await log.AppendAsync(1).InTime("an append");
            earlier.Advance(TimeSpan.FromHours(1));
            await log.AppendAsync(2).InTime("an append");
            Assert.Equal([1_000_000, 1_000_000, 4_000_000], (await log.ReadAllAsync()).Select(record => record.AppendTimeMs));
            Assert.Equal(4_000_000, log.NewestAppendTime.ToUnixTimeMilliseconds());
        }

        await using (var log = EmbeddedClickLog.Open(_folder.Path, 2, new SteppingClock(9_000_000, 8_000_000), options: Small))
        {
            await log.AppendAsync(3).InTime("an append");
            await log.AppendAsync(4).InTime("an append");
            Assert.Equal([9_000_000, 9_000_000], (await log.ReadAllAsync(from: 3)).Select(record => record.AppendTimeMs));
        }
    }

    [Fact]
    public async Task A_log_that_is_opened_again_is_the_same_log_and_goes_on()
    {
        LogIdentity identity;
        await using (var log = Open(_folder))
        {
            identity = log.Identity;
            await log.AppendEachAsync(0, 10);
        }

        for (var round = 1; round <= 20; round++)
        {
            await using var log = Open(_folder);
            Assert.Equal(identity, log.Identity);
            Assert.Equal(new LogRange(0, 10 * round), log.RangeOf(0));
            await Task.WhenAll(Enumerable.Range(10 * round, 10).Select(i => log.AppendAsync(i, length: 1000))).InTime("10 appends");
            Assert.Equal(Enumerable.Range(0, 10 * (round + 1)).Select(i => (long)i), (await log.ReadAllAsync()).Select(record => record.Number));
        }
    }

    [Fact]
    public async Task Closing_commits_what_waits_and_ends_the_readers()
    {
        var log = Open(_folder);
        using var reader = log.OpenReader(0, 0);
        var reading = reader.ReadAsync(1, CancellationToken.None).AsTask();
        var appends = Enumerable.Range(0, 500).Select(i => log.AppendAsync(i)).ToList();
        await log.DisposeAsync();

        Assert.All(appends, append => Assert.True(append.IsCompletedSuccessfully));
        await Task.WhenAny(reading).InTime("the reader");
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reader.ReadAsync(1, CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => log.AppendAsync(1));
        await log.DisposeAsync();

        await using var again = Open(_folder);
        Assert.Equal(500, again.RangeOf(0).End);
    }

    [Fact]
    public async Task Closing_ends_a_reader_that_waits()
    {
        var log = Open(_folder);
        using var reader = log.OpenReader(0, 0);
        var reading = reader.ReadAsync(1, CancellationToken.None).AsTask();
        await log.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.InTime("the reader's end"));
    }

    [Fact]
    public async Task A_record_that_is_too_long_is_refused()
    {
        await using var log = Open(_folder);
        var tooLong = new byte[ClickLogLimits.MaxRecordBytes + 1];

        Assert.Throws<ArgumentException>(() => { _ = log.AppendAsync(0, default, tooLong); });
    }

    [Fact]
    public async Task Appends_beyond_what_may_wait_are_refused()
    {
        using var gate = new ManualResetEventSlim();
        using var writing = new ManualResetEventSlim();
        await using var log = EmbeddedClickLog.Open(
            _folder.Path, 1, TimeProvider.System, null, Small with { MaxWaitingBytes = 1000 }, files => new GatedDevice(files, writing, gate));
        var first = log.AppendAsync(0);
        Assert.True(writing.Wait(TimeSpan.FromSeconds(20)), "Waited 20 s for the first write.");
        var waiting = Enumerable.Range(1, 4).Select(i => log.AppendAsync(i)).ToList();

        var refused = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(5));
        Assert.Contains("can't keep up", refused.Message, StringComparison.Ordinal);
        Assert.Null(log.Fault);

        gate.Set();
        await Task.WhenAll([first, .. waiting]).InTime("the appends that were taken");
        await log.AppendAsync(5).InTime("an append after that");
        Assert.Equal(Enumerable.Range(0, 6).Select(i => (long)i), (await log.ReadAllAsync()).Select(record => record.Number));
    }

    [Fact]
    public async Task A_thousand_partitions_can_be_opened_and_used()
    {
        await using var log = EmbeddedClickLog.Open(_folder.Path, 1024, TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 1024).Select(i => log.AppendAsync(i, partition: i))).InTime("an append to each partition");

        Assert.Equal(1023, (await log.ReadAllAsync(1023)).Single().Number);
        Assert.Throws<ArgumentOutOfRangeException>(() => EmbeddedClickLog.Open(_folder.Path, 1025, TimeProvider.System));
    }

    /// <summary>A clock that says one time after the other, then the last one for ever.</summary>
    private sealed class SteppingClock(params long[] timesMs) : TimeProvider
    {
        private int _next;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(timesMs[Math.Min(_next++, timesMs.Length - 1)]);
    }
}
