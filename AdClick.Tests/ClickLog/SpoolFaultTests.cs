using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Spool;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.SpoolFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>A spool that is full, and a disk that is.</summary>
public sealed class SpoolFaultTests : IDisposable
{
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ListeningLogger _log = new();
    private readonly Disk _disk = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_spool_at_its_bound_refuses_clicks_until_some_are_drained()
    {
        const int MaxBytes = 150_000;
        int taken;
        await using (var spool = Open(_folder, partitions: 2, MaxBytes))
        {
            taken = await FillAsync(spool);
            Assert.InRange(taken, MaxBytes / 700, MaxBytes / 500);
            Assert.InRange(spool.Bytes, MaxBytes - 700, MaxBytes);

            var refused = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => spool.AppendAsync(taken, textLength: 500));
            Assert.Contains(_folder.Path, refused.Message, StringComparison.Ordinal);
            Assert.Contains($"{spool.Bytes} bytes", refused.Message, StringComparison.Ordinal);
            Assert.Contains($"at most {MaxBytes} (AdClick:Kafka:SpoolMaxBytes)", refused.Message, StringComparison.Ordinal);
            Assert.Equal(refused.Message, spool.Fault);
            Assert.Equal(taken, spool.Records);
        }

        // The bound knows what was there before the start.
        await using var again = Open(_folder, partitions: 2, MaxBytes);
        Assert.Null(again.Fault);
        Assert.Equal(0, await FillAsync(again));
        Assert.NotNull(again.Fault);

        // It is freed some 64 KiB at a time.
        var lane = again.Lanes[0];
        Assert.Equal(Enumerable.Range(0, 150), await lane.ReadAsync(150));
        lane.Drained(150);
        Assert.Null(again.Fault);
        Assert.True(await FillAsync(again) > 100, "There is room for a chunk at least.");
    }

    [Fact]
    public async Task A_click_that_the_disk_refuses_takes_no_room_and_holds_no_time_back()
    {
        await using var spool = Open(_folder, time: _time, logger: _log, disk: _disk);
        await spool.AppendAllAsync(0, 3);
        var (records, bytes) = (spool.Records, spool.Bytes);

        _disk.BytesLeft = 100;
        var refused = await Assert.ThrowsAsync<ClickLogUnavailableException>(
            () => spool.AppendAsync(3, clickTimeMs: NoonMs - 60_000).InTime("the refusal"));
        Assert.Contains("No space left", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, refused.Message, StringComparison.Ordinal);
        Assert.Equal(refused.Message, spool.Fault);
        Assert.True(spool.AppendAsync(4, clickTimeMs: NoonMs - 60_000).IsFaulted);
        Assert.Equal((records, bytes, (long?)NoonMs), (spool.Records, spool.Bytes, spool.OldestClickMs));

        // What is there can be drained all the while.
        Assert.Equal([0, 1, 2], await spool.Lanes[0].DrainAsync());

        var recovered = _log.NextRecovery;
        _disk.BytesLeft = null;
        _time.Advance(TimeSpan.FromSeconds(5));
        await recovered.InTime("the spool to write again");
        Assert.Null(spool.Fault);
        await spool.AppendAllAsync(5, 2);
        Assert.Equal(2, spool.Records);
        Assert.Equal([5, 6], await spool.Lanes[0].DrainAsync());
    }

    [Fact]
    public async Task A_disk_that_fails_again_and_again_under_concurrent_clicks_keeps_just_those_that_it_confirmed()
    {
        var random = new Random(5);
        var taken = new List<int>();
        await using (var spool = Open(_folder, time: _time, logger: _log, disk: _disk))
        {
            for (var round = 0; round < 20; round++)
            {
                _disk.BytesLeft = random.Next(40_000);
                var appends = Enumerable.Range(round * 1000, 200)
                    .Select(number => (Number: number, Append: spool.AppendAsync(number, clickTimeMs: NoonMs + (number * 1000L), textLength: 100)))
                    .ToList();
                foreach (var (number, append) in appends)
                {
                    try
                    {
                        await append.InTime($"append {number}");
                        taken.Add(number);
                    }
                    catch (ClickLogUnavailableException)
                    {
                        // Refused: it must not come out.
                    }
                }

                Assert.Equal(taken.Count, spool.Records);
                Assert.Equal(taken.Count == 0 ? null : NoonMs + (taken[0] * 1000L), spool.OldestClickMs);
                var recovered = _log.NextRecovery;
                _disk.BytesLeft = null;
                if (spool.Fault is not null)
                {
                    _time.Advance(TimeSpan.FromSeconds(5));
                    await recovered.InTime("the spool to write again");
                }
            }

            Assert.InRange(taken.Count, 200, 3999);
        }

        await using var again = Open(_folder);
        Assert.Equal(taken, await again.Lanes[0].DrainAsync());
        Assert.Equal(0, again.Bytes);
    }

    [TmpfsFact]
    public async Task A_disk_that_the_spool_has_filled_is_freed_by_draining()
    {
        using var small = new SmallFileSystem(_folder.Path, "3m");
        await using var spool = Open(_folder, logger: _log, time: _time);
        var lane = spool.Lanes[0];
        var taken = 0;
        while (spool.Fault is null)
        {
            foreach (var append in Enumerable.Range(taken, 50).Select(number => spool.AppendAsync(number, textLength: 500)).ToList())
            {
                try
                {
                    await append.InTime($"append {taken}");
                    taken++;
                }
                catch (ClickLogUnavailableException e)
                {
                    Assert.Contains("space", e.Message, StringComparison.OrdinalIgnoreCase);
                }
            }
        }

        // Not one byte is left, as when the probes of many lanes have taken the rest: the drained position has to be kept all the same.
        FillDisk();
        Assert.InRange(taken, 4000, 6000);
        Assert.Equal(Enumerable.Range(0, 2000), await lane.ReadAsync(2000));
        lane.Drained(1000);
        var tried = _log.NextTry;
        _time.Advance(SaveInterval);
        await tried.InTime("the spool to find no room");
        using (var copy = _folder.Copy())
        {
            await using var killed = Open(copy);
            Assert.Equal(Enumerable.Range(1000, taken - 1000), await killed.Lanes[0].DrainAsync());
        }

        var recovered = _log.NextRecovery;
        lane.Drained(2000);
        _time.Advance(SaveInterval);
        while (!recovered.IsCompleted)
        {
            // A try that was under way while the segment was deleted may have failed, and waits for its next turn.
            tried = _log.NextTry;
            _time.Advance(TimeSpan.FromSeconds(5));
            await Task.WhenAny(recovered, tried).InTime("the spool to notice that there is room");
        }

        await spool.AppendAllAsync(taken, 10);
        Assert.Equal(Enumerable.Range(2000, taken + 10 - 2000), await lane.DrainAsync());
    }

    [TmpfsFact]
    public async Task A_folder_that_can_not_be_made_is_refused_with_its_name()
    {
        using var small = new SmallFileSystem(_folder.Path, "64k");
        small.Remount("ro");
        var refused = Assert.Throws<ClickLogUnavailableException>(() => Open(_folder));
        Assert.Contains(Path.Combine(_folder.Path, "p1"), refused.Message, StringComparison.Ordinal);
        Assert.Contains("ead-only", refused.Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    private void FillDisk()
    {
        using var ballast = new FileStream(Path.Combine(_folder.Path, "ballast"), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var chunk = 4096;
        while (chunk > 0)
        {
            try
            {
                ballast.Write(new byte[chunk]);
            }
            catch (IOException)
            {
                chunk /= 2;
            }
        }
    }

    // Appends one click after the other until one is refused; tells how many were taken.
    private static async Task<int> FillAsync(ClickSpool spool)
    {
        for (var taken = 0; ; taken++)
        {
            try
            {
                await spool.AppendAsync(taken, textLength: 500).InTime($"append {taken}");
            }
            catch (ClickLogUnavailableException)
            {
                return taken;
            }
        }
    }
}
