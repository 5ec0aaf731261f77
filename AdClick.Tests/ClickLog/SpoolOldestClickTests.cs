using AdClick.Actors.ClickLog.Spool;
using FsCheck.Xunit;
using Xunit;
using static AdClick.Tests.ClickLog.SpoolFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>
/// The click time that marks rest on (I5): never later than that of a click which the spool still holds, through restarts and with everybody at work.
/// </summary>
public sealed class SpoolOldestClickTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 15, EndSize = 40)]
    public async Task The_oldest_click_is_that_of_a_list_of_all_clicks_that_are_not_drained((byte Act, byte Lane, byte Number)[] steps)
    {
        const int Partitions = 3;
        using var folder = new TemporaryFolder();
        var spool = Open(folder, Partitions);
        var clicks = Enumerable.Range(0, Partitions).Select(_ => new List<long>()).ToArray();
        var drained = new int[Partitions];
        try
        {
            foreach (var (act, laneByte, number) in steps)
            {
                var lane = laneByte % Partitions;
                switch (act % 8)
                {
                    case 0:
                        await spool.DisposeAsync();
                        spool = Open(folder, Partitions);
                        break;
                    case 1 or 2:
                        drained[lane] = Math.Min(clicks[lane].Count, drained[lane] + (number % 8));
                        spool.Lanes[lane].Drained(drained[lane]);
                        break;
                    default:
                        var clickTimeMs = NoonMs + (number * 300L);
                        var append = spool.AppendAsync(number, lane, clickTimeMs);
                        clicks[lane].Add(clickTimeMs);
                        AssertOldest(); // it counts before it is durable
                        await append.InTime("an append");
                        break;
                }

                AssertOldest();
            }
        }
        finally
        {
            await spool.DisposeAsync();
        }

        void AssertOldest()
        {
            var left = clicks.SelectMany((lane, i) => lane.Skip(drained[i])).ToList();
            Assert.Equal(left.Count == 0 ? null : left.Min() / 1000 * 1000, spool.OldestClickMs);
            Assert.Equal(left.Count, spool.Records);
        }
    }

    [Fact]
    public async Task While_clicks_come_and_are_drained_and_read_again_none_is_missed_or_held_longer_than_it_is_there()
    {
        const int Partitions = 4;
        const int Writers = 8;
        const int Each = 400;
        const int InSpool = 1;
        const int IsDrained = 2;
        var states = new int[Writers * Each];
        await using var spool = Open(_folder, Partitions);
        using var stop = new CancellationTokenSource();

        var drainers = spool.Lanes.Select(lane => Task.Run(async () =>
        {
            // Of each writer's clicks a lane gets every fourth.
            var random = new Random(lane.Partition);
            var numbers = new List<int>();
            var drained = 0;
            while (drained < states.Length / Partitions)
            {
                var batch = await lane.ReadAsync(random.Next(1, 60), CancellationToken.None);
                for (var i = 0; i < batch.Count; i++)
                {
                    var offset = (int)batch.Offset(i);
                    if (offset == numbers.Count)
                    {
                        numbers.Add(NumberOf(batch, i));
                    }

                    Assert.Equal(numbers[offset], NumberOf(batch, i));
                }

                if (random.Next(4) == 0)
                {
                    lane.Rewind();
                    continue;
                }

                for (; drained < batch.NextOffset; drained++)
                {
                    Volatile.Write(ref states[numbers[drained]], IsDrained);
                }

                lane.Drained(drained);
            }

            return numbers;
        })).ToList();

        var watcher = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var oldest = -1;
                for (var number = 0; number < states.Length; number++)
                {
                    if (Volatile.Read(ref states[number]) == InSpool && (oldest < 0 || ClickTimeOf(number) < ClickTimeOf(oldest)))
                    {
                        oldest = number;
                    }
                }

                var told = spool.OldestClickMs;
                if (oldest >= 0 && !(told <= ClickTimeOf(oldest)))
                {
                    Assert.True(
                        Volatile.Read(ref states[oldest]) == IsDrained,
                        $"Click {oldest} of {ClickTimeOf(oldest)} is in the spool, which says {told}.");
                }
            }
        });

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var number = writer * Each; number < (writer + 1) * Each; number++)
            {
                var append = spool.AppendAsync(number, number % Partitions, ClickTimeOf(number));
                Interlocked.CompareExchange(ref states[number], InSpool, 0);
                await append;
            }
        }))).InTime("the writers");
        await Task.WhenAll(drainers).InTime("the drainers");
        await stop.CancelAsync();
        await watcher.InTime("the watcher");

        for (var partition = 0; partition < Partitions; partition++)
        {
            var numbers = await drainers[partition];
            Assert.Equal(Enumerable.Range(0, states.Length).Where(number => number % Partitions == partition), numbers.Order());

            // A writer waits for each of its clicks, so they stay in order.
            Assert.All(numbers.GroupBy(number => number / Each), clicks => Assert.Equal(clicks.Order(), clicks));
        }

        Assert.Equal((0L, 0L, (long?)null), (spool.Records, spool.Bytes, spool.OldestClickMs));

        static long ClickTimeOf(int number) => NoonMs + (number * 7919L % 100 * 1000);
    }
}
