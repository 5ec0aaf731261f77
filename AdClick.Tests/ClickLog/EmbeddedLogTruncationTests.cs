using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog;

public sealed class EmbeddedLogTruncationTests : IDisposable
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeMilliseconds(10_000_000);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Truncation_drops_whole_segments_below_the_offset_and_the_new_beginning_survives_a_restart()
    {
        LogRange range;
        await using (var log = await WithRecordsAsync(1000))
        {
            var before = _folder.Segments().Length;
            log.Checkpointed(0, 500, long.MaxValue, DateTimeOffset.MaxValue);

            range = log.RangeOf(0);
            Assert.InRange(range.Begin, 1, 500);
            Assert.Equal(1000, range.End);
            Assert.True(_folder.Segments().Length < before);
            Assert.True(500 - range.Begin <= SegmentBytes / 200, $"A whole segment below 500 was kept: the log begins at {range.Begin}.");
            Assert.Equal(range.Begin, (await log.ReadAllAsync())[0].Number);
            var gone = Assert.Throws<ArgumentOutOfRangeException>(() => log.OpenReader(0, range.Begin - 1));
            Assert.Contains($"{range.Begin} to 999", gone.Message, StringComparison.Ordinal);
        }

        await using var again = Open(_folder, time: _time);
        Assert.Equal(range, again.RangeOf(0));
        await again.AppendAsync(1000).InTime("an append");
        Assert.Equal(1001 - range.Begin, (await again.ReadAllAsync()).Count);
    }

    [Fact]
    public async Task The_newest_record_stays_whatever_is_asked_so_the_next_offset_is_known()
    {
        await using (var log = await WithRecordsAsync(1000))
        {
            log.Checkpointed(0, long.MaxValue, long.MaxValue, DateTimeOffset.MaxValue);
            Assert.Single(_folder.Segments());
            Assert.InRange(log.RangeOf(0).Begin, 1, 999);
        }

        await using var again = Open(_folder, time: _time);
        Assert.Equal(1000, again.RangeOf(0).End);
    }

    [Fact]
    public async Task A_segment_with_a_record_that_is_not_old_enough_stays()
    {
        await using var log = await WithRecordsAsync(300);
        _time.Advance(TimeSpan.FromHours(1));
        for (var i = 300; i < 1000; i++)
        {
            await log.AppendAsync(i).InTime($"append {i}");
        }

        log.Checkpointed(0, 1000, long.MaxValue, Start);
        Assert.Equal(0, log.RangeOf(0).Begin);

        log.Checkpointed(0, 1000, long.MaxValue, Start.AddMinutes(30));
        var begin = log.RangeOf(0).Begin;
        Assert.InRange(begin, 1, 300);
        Assert.Equal(Start.ToUnixTimeMilliseconds(), (await log.ReadAllAsync())[0].AppendTimeMs);
    }

    [Fact]
    public async Task A_reader_that_truncation_overtakes_is_told_so()
    {
        await using var log = await WithRecordsAsync(1000);
        using var reader = log.OpenReader(0, 0);
        var batch = await reader.ReadAsync(10, CancellationToken.None).InTime("the first records");
        log.Checkpointed(0, 900, long.MaxValue, DateTimeOffset.MaxValue);

        // The segment that it has open is read to its end; the next one is gone.
        var overtaken = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            while (batch.NextOffset < 1000)
            {
                batch = await reader.ReadAsync(10, CancellationToken.None);
            }
        });
        Assert.Contains("was truncated", overtaken.Message, StringComparison.Ordinal);
        Assert.Contains($"begins at {log.RangeOf(0).Begin}", overtaken.Message, StringComparison.Ordinal);
    }

    private async Task<EmbeddedClickLog> WithRecordsAsync(int count)
    {
        var log = Open(_folder, time: _time);
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => log.AppendAsync(i))).InTime($"{count} appends");
        return log;
    }
}
