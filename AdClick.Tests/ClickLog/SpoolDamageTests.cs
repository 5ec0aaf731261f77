using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Spool;
using Xunit;
using static AdClick.Tests.ClickLog.SpoolFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>Spooled clicks that are gone are never passed in silence; a person can decide to.</summary>
public sealed class SpoolDamageTests : IDisposable
{
    private const int Clicks = 2000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Damage_stops_its_lane_alone_and_a_person_can_go_on_behind_it()
    {
        await SpoolAsync();
        Overwrite(_folder.Segments(2, 0)[0], 100_000, new byte[4096]);

        int good;
        string damage;
        await using (var spool = Open(_folder, partitions: 2))
        {
            // It is known from the start, and nobody knows how old the clicks were.
            damage = Assert.IsType<string>(spool.Damage);
            Assert.Equal((damage, (string?)null), (spool.Lanes[0].Damage, spool.Lanes[1].Damage));
            Assert.Null(spool.Fault);
            Assert.Equal(Clicks + 10, spool.Records);
            Assert.Equal(0, spool.OldestClickMs);

            // All before it is handed out, then it stops; the other lane and new clicks go on.
            good = await DrainUntilDamagedAsync(spool.Lanes[0], damage);
            Assert.Equal(10, (await spool.Lanes[1].DrainAsync()).Count);
            await spool.AppendAsync(Clicks).InTime("an append to the damaged lane");
            spool.Lanes[0].Rewind();
            await Assert.ThrowsAsync<ClickLogDamagedException>(
                () => spool.Lanes[0].ReadAsync(10, CancellationToken.None).InTime("the damage, again"));
            Assert.Equal(Clicks + 1 - good, spool.Records);
        }

        // Nobody does anything: the next start says the same.
        await using (var spool = Open(_folder, partitions: 2))
        {
            Assert.Equal(damage, spool.Damage);
        }

        // The message says what to do: to change a line in a file.
        var file = Path.Combine(_folder.Path, "p2", "drained");
        Assert.Contains(file, damage, StringComparison.Ordinal);
        Assert.Contains(_folder.Segments(2, 0)[0], damage, StringComparison.Ordinal);
        var line = damage.Split('\'')[1];
        var next = int.Parse(line.Split(' ')[^1]);
        Assert.InRange(next - good, 10, 20); // 4 KiB of clicks
        var lines = File.ReadAllLines(file);
        Assert.Equal($"lane 0 from {good}", lines[0].TrimEnd());
        lines[0] = line;
        File.WriteAllLines(file, lines);
        await using (var spool = Open(_folder, partitions: 2))
        {
            Assert.Equal((null, NoonMs, (long)(Clicks + 1 - next)), (spool.Damage, spool.OldestClickMs, spool.Records));
            Assert.Equal(Enumerable.Range(next, Clicks + 1 - next), await spool.Lanes[0].DrainAsync());
            Assert.Equal((0L, 0L, (long?)null), (spool.Records, spool.Bytes, spool.OldestClickMs));
        }
    }

    [Fact]
    public async Task Damage_that_comes_while_the_spool_is_open_stops_its_lane_and_still_knows_how_old_the_clicks_are()
    {
        await using var spool = Open(_folder, partitions: 2);
        await spool.AppendAllAsync(0, Clicks);
        Overwrite(_folder.Segments(2, 0)[0], 100_000, new byte[4096]);
        var damaged = await Assert.ThrowsAsync<ClickLogDamagedException>(() => spool.Lanes[0].DrainAsync());
        Assert.Equal(damaged.Message, spool.Damage);
        Assert.Equal(NoonMs, spool.OldestClickMs);
    }

    [Fact]
    public async Task A_torn_tail_costs_nothing_that_was_confirmed()
    {
        await SpoolAsync();
        using (var file = File.OpenHandle(_folder.Segments(2, 0)[0], FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(file, new byte[] { 99, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 }, RandomAccess.GetLength(file));
        }

        await using var spool = Open(_folder, partitions: 2);
        Assert.Null(spool.Damage);
        await spool.AppendAsync(Clicks).InTime("an append");
        Assert.Equal(Enumerable.Range(0, Clicks + 1), await spool.Lanes[0].DrainAsync());
    }

    [Fact]
    public async Task A_missing_segment_refuses_the_start_and_names_the_folder_to_move_away()
    {
        await SpoolAsync();
        File.Delete(_folder.Segments(2, 0)[0]);
        var refused = Assert.Throws<ClickLogDamagedException>(() => Open(_folder, partitions: 2));
        Assert.Contains($"move the folder {Path.Combine(_folder.Path, "p2")} away", refused.Message, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(_folder.Path, "p2"), recursive: true);
        await using var spool = Open(_folder, partitions: 2);
        Assert.Equal(0, spool.Records);
    }

    [Theory]
    [InlineData(Clicks + 1, Clicks)]
    [InlineData(0, 1)]
    public async Task A_position_outside_the_lane_refuses_the_start_until_a_person_mends_it(int position, int inRange)
    {
        // The first segment goes by truncation when all of it is drained; only then can a position lie before the lane.
        await SpoolAsync(textLength: 600, drained: position == 0 ? Clicks : 0);
        var file = Path.Combine(_folder.Path, "p2", "drained");
        var lines = File.ReadAllLines(file);
        lines[0] = $"lane 0 from {position}";
        File.WriteAllLines(file, lines);
        var refused = Assert.Throws<ClickLogDamagedException>(() => Open(_folder, partitions: 2));
        Assert.Contains($"{file} says that lane 0 of the spool is drained up to offset {position}", refused.Message, StringComparison.Ordinal);
        lines[0] = refused.Message.Split('\'')[1];
        File.WriteAllLines(file, lines);
        await using var spool = Open(_folder, partitions: 2);
        Assert.InRange(spool.Lanes[0].DrainedOffset, inRange, Clicks);
    }

    [Fact]
    public async Task Without_the_positions_everything_is_drained_again_and_a_line_that_makes_no_sense_is_refused()
    {
        await SpoolAsync(drained: 1500);
        var file = Path.Combine(_folder.Path, "p2", "drained");
        Assert.Equal(2 * 32, new FileInfo(file).Length);
        File.AppendAllText(file, "lane x from y\n");
        var refused = Assert.Throws<ClickLogDamagedException>(() => Open(_folder, partitions: 2));
        Assert.Contains($"{file}, ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("'lane x from y'", refused.Message, StringComparison.Ordinal);

        File.Delete(file);
        await using var spool = Open(_folder, partitions: 2);
        Assert.Equal(Enumerable.Range(0, Clicks), await spool.Lanes[0].DrainAsync());
    }

    private async Task SpoolAsync(int textLength = 200, int drained = 0)
    {
        await using var spool = Open(_folder, partitions: 2);
        for (var from = 0; from < Clicks; from += 200)
        {
            // Damage in the last group would be a torn tail, so there are some.
            await spool.AppendAllAsync(from, 200, partition: 0, textLength);
        }

        await spool.AppendAllAsync(0, 10, partition: 1);
        spool.Lanes[0].Drained(drained);
    }

    private static async Task<int> DrainUntilDamagedAsync(SpoolLane lane, string damage)
    {
        var good = 0;
        while (true)
        {
            SpoolBatch batch;
            try
            {
                batch = await lane.ReadAsync(100, CancellationToken.None).InTime("the lane");
            }
            catch (ClickLogDamagedException e)
            {
                Assert.Equal(damage, e.Message);
                Assert.InRange(good, 200, Clicks - 500);
                return good;
            }

            for (var i = 0; i < batch.Count; i++)
            {
                Assert.Equal(good++, NumberOf(batch, i));
            }

            lane.Drained(batch.NextOffset);
        }
    }

    private static void Overwrite(string path, long position, byte[] bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, bytes, position);
    }
}
