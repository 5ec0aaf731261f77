using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>A disk that can't be written, full or read-only, and one that can again.</summary>
public sealed class EmbeddedLogFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ListeningLogger _log = new();
    private readonly Disk _disk = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    public async Task A_write_that_fails_refuses_clicks_and_the_log_goes_on_by_itself_without_a_gap(int bytesThatStillFit)
    {
        List<long> read;
        await using (var log = OpenOnDisk())
        {
            await log.AppendEachAsync(0, 10);
            using var reader = log.OpenReader(0, 0);
            Assert.Equal(10, (await reader.ReadAsync(100, CancellationToken.None).InTime("the first records")).NextOffset);
            var waiting = reader.ReadAsync(100, CancellationToken.None);

            _disk.BytesLeft = bytesThatStillFit;
            var refused = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(999).InTime("the refusal"));
            Assert.Contains("No space left", refused.Message, StringComparison.Ordinal);
            Assert.Contains(SegmentFiles.FolderOf(_folder.Path, 0), refused.Message, StringComparison.Ordinal);
            Assert.Equal(refused.Message, log.Fault);

            // While it is faulty an append is refused at once.
            var next = log.AppendAsync(998);
            Assert.True(next.IsFaulted);
            await Assert.ThrowsAsync<ClickLogUnavailableException>(() => next);

            // It tries again, in vain.
            var tried = _log.NextTry;
            _time.Advance(TimeSpan.FromMilliseconds(250));
            await tried.InTime("the first retry");
            Assert.NotNull(log.Fault);

            // There is room again.
            _disk.BytesLeft = null;
            await AdvanceUntilRecoveredAsync();
            Assert.Null(log.Fault);
            await log.AppendEachAsync(10, 10);
            Assert.Equal(10, NumberOf((await waiting.InTime("the reader that waited all the while")).Record(0)));
            read = [.. (await log.ReadAllAsync()).Select(record => record.Number)];
            Assert.Equal(Enumerable.Range(0, 20).Select(number => (long)number), read);
        }

        await using var again = Open(_folder);
        Assert.Equal(read, (await again.ReadAllAsync()).Select(record => record.Number));
    }

    [Fact]
    public async Task A_disk_that_fails_again_and_again_in_the_middle_of_large_groups_never_leaves_a_gap_or_a_refused_click()
    {
        var random = new Random(3);
        var taken = new List<long>();
        await using (var log = OpenOnDisk())
        {
            for (var round = 0; round < 30; round++)
            {
                // Some 40 KB of appends against a disk that takes 0 to 60 KB: it fails within a page, at a page's turn, or not at all.
                _disk.BytesLeft = random.Next(60_000);
                var appends = Enumerable.Range(round * 1000, 200).Select(i => (Number: (long)i, Append: log.AppendAsync(i))).ToList();
                foreach (var (number, append) in appends)
                {
                    try
                    {
                        await append.InTime($"append {number}");
                        taken.Add(number);
                    }
                    catch (ClickLogUnavailableException)
                    {
                        // Refused: it must not be in the log.
                    }
                }

                _disk.BytesLeft = null;
                if (log.Fault is not null)
                {
                    await AdvanceUntilRecoveredAsync();
                }
            }

            Assert.Equal(taken, (await log.ReadAllAsync()).Select(record => record.Number));
        }

        Assert.InRange(taken.Count, 500, 5999);
        await using var again = Open(_folder);
        Assert.Equal(taken, (await again.ReadAllAsync()).Select(record => record.Number));
    }

    [Fact]
    public async Task A_faulty_partition_can_be_closed_and_opened_again()
    {
        await using (var log = OpenOnDisk())
        {
            await log.AppendEachAsync(0, 3);
            _disk.BytesLeft = 0;
            await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(3).InTime("the refusal"));
        }

        await using var again = Open(_folder);
        await again.AppendEachAsync(3, 1);
        Assert.Equal([0, 1, 2, 3], (await again.ReadAllAsync()).Select(record => record.Number));
    }

    [Fact]
    public async Task One_partition_that_fails_leaves_the_others_alone()
    {
        var broken = new Disk { BytesLeft = 0 };
        await using var log = EmbeddedClickLog.Open(
            _folder.Path, 2, _time, _log, Small, files => new FaultyDevice(files, files.Partition == 1 ? broken : _disk));
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(0, partition: 1).InTime("the refusal"));

        await log.AppendAsync(0, partition: 0).InTime("an append to the other partition");
        Assert.Contains(SegmentFiles.FolderOf(_folder.Path, 1), log.Fault, StringComparison.Ordinal);
    }

    [TmpfsFact]
    public async Task A_full_file_system_damages_nothing_and_the_log_goes_on_when_there_is_room()
    {
        using var small = new SmallFileSystem(_folder.Path, "512k");
        var taken = new List<long>();
        await using (var log = EmbeddedClickLog.Open(_folder.Path, 1, TimeProvider.System, _log, Small))
        {
            var ballast = Path.Combine(_folder.Path, "ballast");
            File.WriteAllBytes(ballast, new byte[300 * 1024]);
            for (var i = 0; log.Fault is null; i++)
            {
                var append = log.AppendAsync(i, length: 1000);
                try
                {
                    await append.InTime($"append {i}");
                    taken.Add(i);
                }
                catch (ClickLogUnavailableException e)
                {
                    Assert.Contains("space", e.Message, StringComparison.OrdinalIgnoreCase);
                }
            }

            Assert.InRange(taken.Count, 50, 300);
            Assert.Equal(taken, (await log.ReadAllAsync()).Select(record => record.Number));

            File.Delete(ballast);
            await _log.NextRecovery.InTime("the log to notice that there is room");
            await log.AppendEachAsync(5000, 100, length: 1000);
            taken.AddRange(Enumerable.Range(5000, 100).Select(i => (long)i));
            Assert.Equal(taken, (await log.ReadAllAsync()).Select(record => record.Number));
        }

        await using var again = Open(_folder);
        Assert.Equal(taken, (await again.ReadAllAsync()).Select(record => record.Number));
    }

    [TmpfsFact]
    public async Task A_log_on_a_read_only_disk_can_be_read_and_goes_on_when_it_is_writable()
    {
        using var small = new SmallFileSystem(_folder.Path, "512k");
        await using (var log = Open(_folder))
        {
            await log.AppendEachAsync(0, 5);
        }

        small.Remount("ro");
        await using var readOnly = EmbeddedClickLog.Open(_folder.Path, 1, TimeProvider.System, _log, Small);
        Assert.Contains("ead-only", readOnly.Fault, StringComparison.Ordinal);
        Assert.Equal(5, (await readOnly.ReadAllAsync()).Count);
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => readOnly.AppendAsync(5));

        var recovered = _log.NextRecovery;
        small.Remount("rw");
        await recovered.InTime("the log to notice that the disk is writable");
        await readOnly.AppendEachAsync(5, 1);
        Assert.Equal([0, 1, 2, 3, 4, 5], (await readOnly.ReadAllAsync()).Select(record => record.Number));
    }

    private EmbeddedClickLog OpenOnDisk() => EmbeddedClickLog.Open(_folder.Path, 1, _time, _log, Small, files => new FaultyDevice(files, _disk));

    private async Task AdvanceUntilRecoveredAsync()
    {
        // The wait is armed before the clock moves; the longest back-off is 5 s.
        var recovered = _log.NextRecovery;
        _time.Advance(TimeSpan.FromSeconds(5));
        await recovered.InTime("the log to write again");
    }
}
