using AdClick.Actors.ClickLog.Spool;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.ClickLog;

/// <summary>The backlog of a lane against a list of all its entries.</summary>
public sealed class SpoolBacklogTests
{
    [Property(MaxTest = 300, EndSize = 300)]
    public void The_oldest_second_and_the_bytes_are_those_of_a_list_that_holds_every_entry((byte Second, ushort Bytes, byte Drain)[] steps)
    {
        var backlog = new SpoolBacklog();
        var all = new List<(long Second, long Bytes)>();
        var drained = 0;
        var freed = 0L;
        foreach (var step in steps)
        {
            // Few seconds, so that equal ones meet; 255 stands for an entry without a click time.
            var second = step.Second == byte.MaxValue ? SpoolBacklog.NoTime : step.Second % 32;
            all.Add((second, step.Bytes));
            backlog.Add(all.Count, step.Bytes, second);
            if (step.Drain % 3 == 0)
            {
                drained = Math.Min(all.Count, drained + (step.Drain / 8));
                freed += backlog.Drain(drained);
            }

            Assert.Equal(all.Skip(drained).Select(entry => entry.Second).Append(SpoolBacklog.NoTime).Min(), backlog.OldestSecond);

            // Bytes are freed in chunks, never too early, and never more than one chunk too late.
            var left = all.Skip(drained).Sum(entry => entry.Bytes);
            Assert.InRange(backlog.Bytes, left, left + (2 * 64 * 1024));
            Assert.Equal(all.Sum(entry => entry.Bytes), backlog.Bytes + freed);
        }

        freed += backlog.Drain(all.Count);
        Assert.Equal(0, backlog.Bytes);
        Assert.Equal(all.Sum(entry => entry.Bytes), freed);
        Assert.Equal(SpoolBacklog.NoTime, backlog.OldestSecond);
    }
}
