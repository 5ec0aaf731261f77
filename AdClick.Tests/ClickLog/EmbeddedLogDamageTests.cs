using System.Collections.Concurrent;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>What a crash may leave is repaired; what only damage can leave is named.</summary>
public sealed class EmbeddedLogDamageTests : IDisposable
{
    private const int Sector = 512;
    private const int RecordSpace = RecordFormat.LengthBytes + RecordFormat.HeaderBytes + 200;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_copy_of_the_folder_taken_under_load_holds_all_that_was_acknowledged_before()
    {
        var acknowledged = new ConcurrentQueue<(int Partition, long Number)>();
        using var stop = new CancellationTokenSource();
        await using var log = Open(_folder, partitions: 2);
        var next = 0;
        var writers = Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var number = Interlocked.Increment(ref next);
                await log.AppendAsync(number, number % 2, 50 + (number % 1000));
                acknowledged.Enqueue((number % 2, number));
            }
        })).ToList();

        for (var copies = 0; copies < 15; copies++)
        {
            while (acknowledged.Count < copies * 50)
            {
                await Task.Yield();
            }

            var before = acknowledged.ToList();
            using var copy = _folder.Copy();
            await using var opened = Open(copy, partitions: 2);
            for (var partition = 0; partition < 2; partition++)
            {
                var read = (await opened.ReadAllAsync(partition)).Select(record => record.Number).ToList();
                Assert.Equal(read.Count, read.Distinct().Count());
                Assert.Empty(before.Where(click => click.Partition == partition).Select(click => click.Number).Except(read));

                // It goes on where it stopped: nothing of a half-written group comes back later.
                var end = opened.RangeOf(partition).End;
                await opened.AppendAsync(0, partition).InTime("an append to the copy");
                Assert.Equal([.. read, 0], (await opened.ReadAllAsync(partition)).Select(record => record.Number));
                Assert.Equal(end + 1, opened.RangeOf(partition).End);
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers).InTime("the writers");
    }

    [Fact]
    public async Task A_tail_torn_anywhere_after_the_last_commit_loses_nothing_committed_and_the_log_goes_on()
    {
        var groupStart = await WriteLastGroupAsync();
        var length = new FileInfo(_folder.Segments()[0]).Length;
        Assert.True(length > groupStart + PageBytes, "The last group crosses a page.");
        var cuts = Enumerable.Range(0, 60).Select(i => groupStart + ((length - groupStart) * i / 60))
            .Concat([groupStart + 1, groupStart + 3, groupStart + 4, groupStart + RecordSpace - 1, groupStart + RecordSpace, length - 1]);
        foreach (var cut in cuts)
        {
            using var copy = _folder.Copy();
            using (var file = File.OpenHandle(copy.Segments()[0], FileMode.Open, FileAccess.Write))
            {
                RandomAccess.SetLength(file, cut);
            }

            await AssertTornAsync(copy, $"cut at {cut}");
        }
    }

    [Fact]
    public async Task A_last_group_of_which_any_sectors_never_reached_the_disk_is_cut_where_it_is_torn()
    {
        var groupStart = await WriteLastGroupAsync();

        // The first sector holds committed bytes, too: they are on the disk since the commit before.
        var firstSector = groupStart + Sector - (groupStart % Sector);
        var random = new Random(11);
        for (var round = 0; round < 60; round++)
        {
            using var copy = _folder.Copy();
            using (var file = File.OpenHandle(copy.Segments()[0], FileMode.Open, FileAccess.ReadWrite))
            {
                var sectors = (RandomAccess.GetLength(file) - firstSector) / Sector;
                for (var lost = random.Next(1, 30); lost > 0; lost--)
                {
                    var content = new byte[Sector];
                    if (round % 2 == 0)
                    {
                        random.NextBytes(content);
                    }

                    RandomAccess.Write(file, content, firstSector + (Sector * random.NextInt64(sectors)));
                }
            }

            await AssertTornAsync(copy, $"round {round}");
        }
    }

    [Fact]
    public async Task A_block_of_zeros_in_the_middle_is_damage_named_with_file_and_offsets()
    {
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 500);
        }

        // Page 2 of the log begins segment 1. Zero 4 KiB within it.
        Overwrite(_folder.Segments()[1], 4096, new byte[4096]);
        await using var damaged = Open(_folder);
        var read = new List<long>();
        var exception = await Assert.ThrowsAsync<ClickLogDamagedException>(async () =>
        {
            using var reader = damaged.OpenReader(0, 0);
            while (true)
            {
                var batch = await reader.ReadAsync(40, CancellationToken.None);
                read.AddRange(Enumerable.Range(0, batch.Count).Select(i => batch[i].Offset));
            }
        });

        // All before it is handed out, nothing after it.
        Assert.Equal(Enumerable.Range(0, read.Count).Select(offset => (long)offset), read);
        var firstMissing = read.Count;
        Assert.Contains("Partition 0", exception.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Segments()[1], exception.Message, StringComparison.Ordinal);
        Assert.Contains($"offsets {firstMissing} to ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("restore", exception.Message, StringComparison.Ordinal);

        // 4,096 bytes destroy 18 or 19 records of 228 bytes, no more: the offset that it resumes at can be read.
        var named = exception.Message.Split("offsets ")[1].Split(" are")[0].Split(" to ").Select(long.Parse).ToList();
        Assert.InRange(named[1] - named[0] + 1, 18, 20);
        var after = PageOf(firstMissing) + 1;
        Assert.NotEmpty(await damaged.ReadAllAsync(from: after));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    public async Task A_changed_byte_is_damage(int position)
    {
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 300);
        }

        var at = PageBytes + (10 * RecordSpace) + position;
        Overwrite(_folder.Segments()[0], at, [(byte)(ByteAt(_folder.Segments()[0], at) ^ 1)]);
        await using var damaged = Open(_folder);

        var exception = await Assert.ThrowsAsync<ClickLogDamagedException>(() => damaged.ReadAllAsync());
        Assert.Contains(_folder.Segments()[0], exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Zeros that look like the unused end of a page: FasterLog's own iterator steps over them without a word.</summary>
    [Theory]
    [InlineData(PageBytes, PageBytes)]
    [InlineData(PageBytes + (20 * RecordSpace), PageBytes - (20 * RecordSpace))]
    [InlineData((2 * PageBytes) - 4096, 4096)]
    [InlineData(PageBytes + (20 * RecordSpace), 2 * RecordSpace)]
    public async Task Zeros_that_look_like_the_unused_end_of_a_page_are_damage(int position, int length)
    {
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 500);
        }

        const int InPage0 = (PageBytes - 64) / RecordSpace;
        Overwrite(_folder.Segments()[0], position, new byte[length]);
        await using var damaged = Open(_folder);
        var exception = await Assert.ThrowsAsync<ClickLogDamagedException>(() => damaged.ReadAllAsync());

        var first = InPage0 + ((position - PageBytes) / RecordSpace);
        var until = InPage0 + Math.Min(PageBytes / RecordSpace, (position + length - PageBytes + RecordSpace - 1) / RecordSpace);
        Assert.Contains($"offsets {first} to {until - 1} ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Segments()[0], exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4096, 17, 35)]
    [InlineData(LogLayout.FirstAddress + (17 * RecordSpace), 17, 34)]
    public async Task A_block_of_zeros_in_the_last_page_is_damage_at_the_start_and_nothing_is_changed(int position, int from, int until)
    {
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 60);
        }

        Overwrite(_folder.Segments()[0], position, new byte[4096]);
        var before = File.ReadAllBytes(_folder.Segments()[0]);

        var exception = Assert.Throws<ClickLogDamagedException>(() => Open(_folder));
        Assert.Contains(_folder.Segments()[0], exception.Message, StringComparison.Ordinal);
        Assert.Contains($"offsets {from} to {until} ", exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_folder.Segments()[0]));
    }

    [Fact]
    public async Task A_missing_segment_is_damage_named()
    {
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 500);
        }

        var missing = _folder.Segments()[1];
        File.Delete(missing);
        Assert.Contains(missing, Assert.Throws<ClickLogDamagedException>(() => Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_partition_is_damage_named()
    {
        await using (var log = Open(_folder, partitions: 2))
        {
            await log.AppendAsync(1, partition: 1).InTime("an append");
        }

        Directory.Delete(SegmentFiles.FolderOf(_folder.Path, 1), recursive: true);
        var exception = Assert.Throws<ClickLogDamagedException>(() => Open(_folder, partitions: 2));
        Assert.Contains(SegmentFiles.FolderOf(_folder.Path, 1), exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clicks_without_their_manifest_are_damage_named()
    {
        await using (var log = Open(_folder))
        {
            await log.AppendAsync(1).InTime("an append");
        }

        var manifest = Path.Combine(_folder.Path, "log.json");
        File.Delete(manifest);
        Assert.Contains(manifest, Assert.Throws<ClickLogDamagedException>(() => Open(_folder)).Message, StringComparison.Ordinal);

        File.WriteAllText(manifest, "{ \"format\": ");
        Assert.Contains(manifest, Assert.Throws<ClickLogDamagedException>(() => Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_creation_that_was_cut_short_begins_anew()
    {
        new SegmentFiles(_folder.Path, 0, new LogLayout(PageBytes, SegmentBytes)).Create();

        await using var log = Open(_folder, partitions: 2);
        await log.AppendAsync(1).InTime("an append");
    }

    [Fact]
    public async Task Another_number_of_partitions_is_refused_naming_both()
    {
        await using (Open(_folder, partitions: 2))
        {
        }

        var exception = Assert.Throws<ClickLogMismatchException>(() => Open(_folder, partitions: 3));
        Assert.Contains("has 2 partitions", exception.Message, StringComparison.Ordinal);
        Assert.Contains("asks for 3", exception.Message, StringComparison.Ordinal);
    }

    // Three records, each committed, then one group of 120. Returns where it begins in the only segment.
    private async Task<long> WriteLastGroupAsync()
    {
        await using (var log = EmbeddedClickLog.Open(_folder.Path, 1, TimeProvider.System, options: Small with { SegmentBytes = 8 * PageBytes }))
        {
            await log.AppendEachAsync(0, 2);
        }

        // While the disk is held up with the third record, the others collect.
        using var gate = new ManualResetEventSlim();
        using var writing = new ManualResetEventSlim();
        await using (var log = EmbeddedClickLog.Open(
            _folder.Path, 1, TimeProvider.System, null, null, files => new GatedDevice(files, writing, gate)))
        {
            var third = log.AppendAsync(2);
            Assert.True(writing.Wait(TimeSpan.FromSeconds(20)), "Waited 20 s for the write of the third record.");
            var group = Enumerable.Range(3, 120).Select(i => log.AppendAsync(i)).ToList();
            gate.Set();
            await Task.WhenAll([third, .. group]).InTime("the group");
        }

        return PageBytes + RecordSpace;
    }

    private static async Task AssertTornAsync(TemporaryFolder folder, string what)
    {
        List<long> read;
        await using (var log = Open(folder))
        {
            read = [.. (await log.ReadAllAsync()).Select(record => record.Number)];
            Assert.True(read.Count >= 3, $"{what}: a committed record is gone.");
            Assert.Equal(Enumerable.Range(0, read.Count).Select(number => (long)number), read);

            // Numbers that the torn group can't hold: if any of it came back, it would show.
            await log.AppendEachAsync(1000, 3);
        }

        await using var again = Open(folder);
        Assert.Equal([.. read, 1000, 1001, 1002], (await again.ReadAllAsync()).Select(record => record.Number));
    }

    private static long PageOf(long offset) => offset + (PageBytes / RecordSpace);

    private static void Overwrite(string path, long position, byte[] bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, bytes, position);
    }

    private static byte ByteAt(string path, long position)
    {
        using var file = File.OpenHandle(path);
        var one = new byte[1];
        RandomAccess.Read(file, one, position);
        return one[0];
    }
}
