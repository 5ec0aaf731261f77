using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Partitions;

public sealed class BatchDecoderTests
{
    [Property(MaxTest = 200, EndSize = 200)]
    public void Clicks_clock_marks_and_rejects_do_not_depend_on_batch_borders(ClickSpec[] specs, byte[] sizes)
    {
        var records = ClickSpec.WriteLog(specs, 2)[0];
        var whole = Decode(records, [records.Count]);
        var pieces = Decode(records, [.. sizes.Select(size => size % 20), records.Count]);
        Assert.Equal(whole.Clicks.OrderBy(click => click.Offset), pieces.Clicks.OrderBy(click => click.Offset));
        Assert.Equal(whole.Marks, pieces.Marks);
        Assert.Equal(whole.Rejected, pieces.Rejected);
        Assert.Equal(whole.ClockMs, pieces.ClockMs);
        Assert.Equal(records.Count, whole.Clicks.Count + whole.Marks.Count + whole.Rejected.Count);
    }

    [Fact]
    public void The_clicks_of_an_ad_stand_side_by_side_in_offset_order()
    {
        var batch = new LogBatch();
        for (var i = 0; i < 300; i++)
        {
            batch.Add(i, TestClick.Start, TestClick.Record($"ad{i % 7}", i, 1, TestClick.Start));
        }

        batch.NextOffset = 300;
        var decoded = new BatchDecoder(0, 1, 0, 0).Decode(batch);
        Assert.Equal(7, decoded.Groups.Count);
        foreach (var group in decoded.Groups)
        {
            var offsets = decoded.Clicks.AsSpan(group.Start, group.Count).ToArray().Select(click => click.Offset);
            Assert.Equal(Enumerable.Range(0, 300).Where(i => $"ad{i % 7}" == group.Key.AdId).Select(i => (long)i), offsets);
        }
    }

    [Fact]
    public void A_batch_that_goes_back_is_refused_and_a_gap_is_passed()
    {
        var decoder = new BatchDecoder(0, 1, 5, 0);
        var batch = new LogBatch { NextOffset = 8 };
        batch.Add(7, TestClick.Start, TestClick.Mark("g", TestClick.Start, TestClick.Start)); // Kafka leaves gaps
        Assert.Equal((5, 8), (decoder.Decode(batch).FirstOffset, 8));
        Assert.Throws<InvalidOperationException>(() => decoder.Decode(batch));
    }

    [Fact]
    public void A_click_from_the_future_counts_as_of_its_append_and_an_old_one_does_not_turn_the_clock_back()
    {
        var batch = new LogBatch { NextOffset = 3 };
        batch.Add(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start + TestClick.Hour));
        batch.Add(1, TestClick.Start + 1, TestClick.Record("ad", 2, 1, TestClick.Start - TestClick.Hour));
        batch.Add(2, TestClick.Start + 2, TestClick.Record("ad", 3, 1, TestClick.Start + 2));
        var clicks = new BatchDecoder(0, 1, 0, 0).Decode(batch).Clicks;
        Assert.Equal([TestClick.Start, TestClick.Start - TestClick.Hour, TestClick.Start + 2], clicks[..3].Select(click => click.EffectiveTimeMs));
        Assert.Equal([0, TestClick.Start, TestClick.Start], clicks[..3].Select(click => click.ClockMs));
    }

    private static (List<LoggedClick> Clicks, List<string> Marks, List<string> Rejected, long ClockMs) Decode(
        List<(long AppendTimeMs, byte[] Record)> records, IEnumerable<int> sizes)
    {
        var decoder = new BatchDecoder(0, 2, 0, 0);
        var (clicks, marks, rejected, clockMs) = (new List<LoggedClick>(), new List<string>(), new List<string>(), 0L);
        var offset = 0;
        foreach (var size in sizes)
        {
            var batch = new LogBatch();
            for (var end = Math.Min(offset + size, records.Count); offset < end; offset++)
            {
                batch.Add(offset, records[offset].AppendTimeMs, records[offset].Record);
            }

            batch.NextOffset = offset;
            if (batch.Count == 0)
            {
                continue;
            }

            var decoded = decoder.Decode(batch);
            foreach (var group in decoded.Groups)
            {
                clicks.AddRange(decoded.Clicks.AsSpan(group.Start, group.Count));
            }

            marks.AddRange((decoded.Marks ?? []).Select(mark => mark.ToString()));
            rejected.AddRange((decoded.Rejected ?? []).Select(one => $"{one.Offset} {one.Reason}"));
            clockMs = decoded.ClockMs;
        }

        return (clicks, marks, rejected, clockMs);
    }
}
