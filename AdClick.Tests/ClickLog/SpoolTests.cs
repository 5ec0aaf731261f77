using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.SpoolFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>Clicks go in, come out of their lane in order until they are drained, and survive whatever ends the process.</summary>
public sealed class SpoolTests : IDisposable
{
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(NoonMs));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clicks_come_out_of_their_lane_in_order_with_key_and_record()
    {
        await using var spool = Open(_folder, partitions: 3);
        for (var number = 0; number < 60; number++)
        {
            await spool.AppendAsync(number, partition: number % 3).InTime($"append {number}");
        }

        Assert.Equal(60, spool.Records);
        Assert.Equal(3, spool.Lanes.Count);
        for (var partition = 0; partition < 3; partition++)
        {
            var lane = spool.Lanes[partition];
            Assert.Equal((partition, false, false), (lane.Partition, lane.IsInherited, lane.IsEmpty));
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (i * 3) + partition), await lane.ReadAsync(20, maxRecords: 7));
        }
    }

    [Fact]
    public async Task A_rehearsal_leaves_nothing_behind_also_where_a_killed_process_left_something()
    {
        await using var spool = Open(_folder, partitions: 3);
        var left = Path.Combine(spool.Folder, "rehearsal");
        Directory.CreateDirectory(left);
        await File.WriteAllTextAsync(Path.Combine(left, "log.json"), "torn");

        await spool.RehearseAsync().InTime("the rehearsal");

        Assert.Equal([Path.Combine(spool.Folder, "p3")], Directory.GetFileSystemEntries(spool.Folder));
        Assert.Equal(0, spool.Records);
        Assert.DoesNotContain(spool.Lanes, lane => lane.IsOpen);
    }

    [Fact]
    public async Task A_rehearsal_that_fails_stops_nothing_and_is_told()
    {
        var log = new CapturedLog();
        await using var spool = ClickSpool.Open(_folder.Path, 1, 1_000_000, _time, log.CreateLogger("spool"));
        await File.WriteAllTextAsync(Path.Combine(spool.Folder, "rehearsal"), "in the way");

        await spool.RehearseAsync().InTime("the rehearsal");

        Assert.Contains(log.Lines, line => line.Contains("The spool can't be written", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_empty_lane_waits_for_the_next_click_and_a_wait_that_is_cancelled_loses_none()
    {
        await using var spool = Open(_folder);
        var lane = spool.Lanes[0];
        using var cancel = new CancellationTokenSource();
        var cancelled = lane.ReadAsync(10, cancel.Token);
        Assert.False(cancelled.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.InTime("the cancelled read"));

        for (var number = 0; number < 3; number++)
        {
            var waiting = lane.ReadAsync(10, CancellationToken.None);
            Assert.False(waiting.IsCompleted);
            await spool.AppendAsync(number).InTime("the append");
            var batch = await waiting.InTime("the read that waited");
            Assert.Equal(number, NumberOf(batch, 0));
            Assert.Equal((1, number, number + 1), (batch.Count, batch.Offset(0), batch.NextOffset));
            lane.Drained(batch.NextOffset);
        }
    }

    [Fact]
    public async Task A_lane_that_waits_for_long_lets_go_of_its_reader_and_reads_on_where_it_was()
    {
        await using var spool = Open(_folder, time: _time);
        var lane = spool.Lanes[0];
        await spool.AppendAllAsync(0, 3);
        Assert.Equal([0, 1, 2], await lane.ReadAsync(3));
        var waiting = lane.ReadAsync(10, CancellationToken.None);
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(2, OpenFiles("clicks-").Count); // the writer's and the reader's
        }

        _time.Advance(SaveInterval);
        if (OperatingSystem.IsLinux())
        {
            await Task.Run(async () =>
            {
                while (OpenFiles("clicks-").Count > 1)
                {
                    await Task.Yield();
                }
            }).InTime("the reader's file to be closed");
        }

        await spool.AppendAsync(3).InTime("the append");
        var batch = await waiting.InTime("the read that waited");
        Assert.Equal((1, 3), (batch.Count, NumberOf(batch, 0)));
    }

    [Fact]
    public async Task A_rewound_lane_begins_again_at_the_drained_position()
    {
        await using var spool = Open(_folder);
        var lane = spool.Lanes[0];
        await spool.AppendAllAsync(0, 10);
        Assert.Equal([0, 1, 2, 3, 4, 5], await lane.ReadAsync(6));
        lane.Drained(2);
        lane.Rewind();
        Assert.Equal([2, 3, 4, 5, 6], await lane.ReadAsync(5));

        // An older report changes nothing.
        lane.Drained(1);
        lane.Rewind();
        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9], await lane.ReadAsync(8));
        lane.Drained(10);
        lane.Rewind();
        Assert.True(lane.IsEmpty);
        using var cancel = new CancellationTokenSource();
        var waiting = lane.ReadAsync(1, cancel.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.InTime("the cancelled read"));
    }

    [Fact]
    public async Task What_was_drained_before_a_close_is_gone_and_the_rest_is_there_after_it()
    {
        await using (var spool = Open(_folder, partitions: 2))
        {
            await spool.AppendAllAsync(0, 10, partition: 0);
            await spool.AppendAllAsync(100, 10, partition: 1);
            spool.Lanes[0].Drained(10);
            spool.Lanes[1].Drained(4);
        }

        await using var again = Open(_folder, partitions: 2);
        Assert.True(again.Lanes[0].IsEmpty);
        Assert.Equal(6, again.Records);
        Assert.Equal(NoonMs, again.OldestClickMs);
        Assert.InRange(again.Bytes, 6 * 50, 6 * 200);
        Assert.Equal([104, 105, 106, 107, 108, 109], await again.Lanes[1].DrainAsync());
        Assert.Equal((0L, 0L, (long?)null), (again.Records, again.Bytes, again.OldestClickMs));

        await again.AppendAllAsync(10, 1, partition: 0);
        Assert.Equal([10], await again.Lanes[0].DrainAsync());
    }

    [Fact]
    public async Task A_killed_process_loses_no_click_and_drains_again_what_the_last_second_drained()
    {
        await using var spool = Open(_folder, time: _time);
        await spool.AppendAllAsync(0, 10);
        spool.Lanes[0].Drained(3);
        _time.Advance(SaveInterval);
        spool.Lanes[0].Drained(7);

        using var copy = _folder.Copy();
        await using var after = Open(copy);
        Assert.Equal(Enumerable.Range(3, 7), await after.Lanes[0].DrainAsync());

        _time.Advance(SaveInterval);
        using var later = _folder.Copy();
        await using var last = Open(later);
        Assert.Equal([7, 8, 9], await last.Lanes[0].DrainAsync());
    }

    [Fact]
    public async Task A_copy_of_the_folder_taken_under_load_holds_all_that_was_acknowledged_and_not_drained()
    {
        var acknowledged = 0;
        using var stop = new CancellationTokenSource();
        await using var spool = Open(_folder, time: _time);
        var writing = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                await spool.AppendAsync(number, textLength: number % 500);
                Volatile.Write(ref acknowledged, number + 1);
            }
        });

        for (var round = 1; round <= 5; round++)
        {
            while (Volatile.Read(ref acknowledged) < round * 20)
            {
                Assert.False(writing.IsFaulted, writing.Exception?.Message);
                await Task.Yield();
            }

            spool.Lanes[0].Drained(round * 10);
            _time.Advance(SaveInterval);
            var before = Volatile.Read(ref acknowledged);
            using var copy = _folder.Copy();
            await using var opened = Open(copy);
            var left = await opened.Lanes[0].DrainAsync();
            Assert.Equal(Enumerable.Range(round * 10, left.Count), left);
            Assert.InRange((round * 10) + left.Count, before, int.MaxValue);
        }

        await stop.CancelAsync();
        await writing.InTime("the writer");
    }

    [Fact]
    public async Task Drained_segments_are_deleted()
    {
        await using var spool = Open(_folder, time: _time);
        var lane = spool.Lanes[0];
        await spool.AppendAllAsync(0, 6000, textLength: 500);
        Assert.True(_folder.Segments(1, 0).Length >= 3, "Three segments of 1 MiB hold them.");
        Assert.InRange(spool.Bytes, 6000 * 550, 6000 * 650);

        Assert.Equal(Enumerable.Range(0, 6000), await lane.DrainAsync());
        _time.Advance(SaveInterval);
        Assert.Single(_folder.Segments(1, 0));
        Assert.Equal(0, spool.Bytes);

        await spool.AppendAllAsync(6000, 1);
        Assert.Equal([6000], await lane.DrainAsync());
    }

    [Fact]
    public async Task Sixty_four_lanes_that_hold_nothing_have_no_writers_no_open_files_and_no_bytes_on_the_disk()
    {
        var written = new ConcurrentQueue<int>();
        await using var spool = ClickSpool.Open(_folder.Path, 64, MaxBytes, TimeProvider.System, null, files =>
        {
            written.Enqueue(files.Partition);
            return new SegmentDevice(files);
        });
        Assert.All(Enumerable.Range(0, 64), partition => Assert.Equal(0, new FileInfo(Assert.Single(_folder.Segments(64, partition))).Length));
        var waiting = spool.Lanes.Select(lane => lane.ReadAsync(10, CancellationToken.None)).ToList();
        Assert.All(waiting, read => Assert.False(read.IsCompleted));
        if (OperatingSystem.IsLinux())
        {
            Assert.Empty(OpenFiles("clicks-"));
        }

        // Only the lane that is used gets a writer, and opens its file.
        Assert.Empty(written);
        await spool.AppendAsync(1, partition: 5).InTime("the append");
        Assert.Equal(1, NumberOf(await waiting[5].InTime("the lane's reader"), 0));
        Assert.Equal([5], written);
        if (OperatingSystem.IsLinux())
        {
            Assert.All(OpenFiles("clicks-"), path => Assert.Contains("partition-005", path, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Nothing_can_be_drained_that_is_not_there_and_no_record_is_taken_that_does_not_fit()
    {
        await using var spool = Open(_folder);
        await spool.AppendAllAsync(0, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => spool.Lanes[0].Drained(3));
        await Assert.ThrowsAsync<ArgumentException>(() => spool.AppendAsync(0, "ad/0"u8, new byte[SpoolEntry.MaxBytes - 4]));
        await Assert.ThrowsAsync<ArgumentException>(() => spool.AppendAsync(0, new byte[256], []));
        await spool.AppendAsync(0, "ad/0"u8, new byte[SpoolEntry.MaxBytes - 5]).InTime("the longest record");
        Assert.Equal(3, spool.Records);
    }

    [Fact]
    public async Task Gauges_say_what_the_spool_holds_until_it_is_closed()
    {
        // Other tests have spools, too: this one's instruments are those that this thread makes while it opens.
        var thread = Environment.CurrentManagedThreadId;
        var isOpening = false;
        var figures = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, owner) =>
        {
            if (isOpening && Environment.CurrentManagedThreadId == thread && instrument.Name.StartsWith("adclick.spool.", StringComparison.Ordinal))
            {
                owner.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.Start();
        isOpening = true;
        await using (var spool = Open(_folder, partitions: 2, time: _time))
        {
            isOpening = false;
            Assert.Equal((0, 0, 0, 0, 0), Figures());

            _time.Advance(TimeSpan.FromSeconds(90));
            await spool.AppendAllAsync(0, 3, partition: 0);
            await spool.AppendAllAsync(0, 2, partition: 1);
            Assert.Equal((5, spool.Bytes, 5, 90, 0), Figures());

            spool.Lanes[0].Drained(3);
            spool.Lanes[1].Drained(2);
            Assert.Equal((0, 0, 5, 0, 0), Figures());
        }

        Assert.Equal((0, 0, 0, 0, 0), Figures());

        (double Records, double Bytes, double Appends, double Age, double Damaged) Figures()
        {
            figures.Clear();
            listener.RecordObservableInstruments();
            return (Of("records"), Of("bytes"), Of("appends"), Of("oldest.age"), Of("damaged.lanes"));
        }

        double Of(string name) => figures.GetValueOrDefault("adclick.spool." + name);
    }

    private List<string> OpenFiles(string name)
    {
        var open = new List<string>();
        foreach (var link in Directory.GetFiles("/proc/self/fd"))
        {
            try
            {
                if (File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName is { } path
                    && path.StartsWith(_folder.Path, StringComparison.Ordinal) && Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal))
                {
                    open.Add(path);
                }
            }
            catch (IOException)
            {
                // Another test closed it in the meantime.
            }
        }

        return open;
    }
}
