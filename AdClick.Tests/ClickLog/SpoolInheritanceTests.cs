using AdClick.Actors.ClickLog.Spool;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static AdClick.Tests.ClickLog.SpoolFixture;

namespace AdClick.Tests.ClickLog;

/// <summary>A topic got another partition count: what was spooled for the old one is drained as well, and then its folder goes.</summary>
public sealed class SpoolInheritanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ListeningLogger _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clicks_spooled_for_another_partition_count_are_drained_and_their_folder_is_deleted()
    {
        await SpoolForTwoAsync();
        await using (var spool = Open(_folder, partitions: 3, time: _time, logger: _log))
        {
            Assert.Equal(5, spool.Lanes.Count);
            Assert.Equal([(0, false), (1, false), (2, false), (0, true), (1, true)], spool.Lanes.Select(lane => (lane.Partition, lane.IsInherited)));
            Assert.Equal(7, spool.Records);
            Assert.Equal(NoonMs - 5000, spool.OldestClickMs);

            // New clicks go into the new lanes.
            await spool.AppendAsync(50, partition: 1).InTime("an append");
            Assert.Equal([50], await spool.Lanes[1].DrainAsync());
            Assert.Equal(Enumerable.Range(0, 4), await spool.Lanes[3].DrainAsync());
            Assert.Equal(0, (await spool.Lanes[3].ReadAsync(10, CancellationToken.None).InTime("the end of the first inherited lane")).Count);
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(Directory.Exists(Path.Combine(_folder.Path, "p2")));

            // The end of a lane is told once all of it is drained, not when it is read: a delivery may fail.
            Assert.Equal([10, 11, 12], await spool.Lanes[4].ReadAsync(3));
            var end = spool.Lanes[4].ReadAsync(10, CancellationToken.None);
            Assert.False(end.IsCompleted);
            var gone = _log.NextOf("the folder is gone");
            spool.Lanes[4].Drained(3);
            Assert.Equal(0, (await end.InTime("the end of the last inherited lane")).Count);
            _time.Advance(TimeSpan.FromSeconds(1));
            await gone.InTime("the folder to be deleted");
            Assert.Equal(["p3"], Directory.GetDirectories(_folder.Path).Select(Path.GetFileName));

            // Whoever asks again hears the same.
            spool.Lanes[4].Rewind();
            Assert.Equal(0, (await spool.Lanes[4].ReadAsync(10, CancellationToken.None).InTime("the end of a lane that is gone")).Count);
            Assert.Equal((0L, (long?)null), (spool.Records, spool.OldestClickMs));
        }

        await using var again = Open(_folder, partitions: 3);
        Assert.Equal(3, again.Lanes.Count);
    }

    [Fact]
    public async Task An_inherited_folder_that_is_drained_already_is_deleted_after_the_start()
    {
        await SpoolForTwoAsync();
        await using (var spool = Open(_folder, partitions: 2))
        {
            spool.Lanes[0].Drained(4);
            spool.Lanes[1].Drained(3);
        }

        // Half of another one is left of a deletion that was killed.
        Directory.CreateDirectory(Path.Combine(_folder.Path, "p7.drained", "partition-000"));
        await using var again = Open(_folder, partitions: 3, time: _time, logger: _log);
        Assert.Equal(0, (await again.Lanes[3].ReadAsync(1, CancellationToken.None).InTime("the end of an empty inherited lane")).Count);
        var gone = _log.NextOf("the folder is gone");
        _time.Advance(TimeSpan.FromSeconds(1));
        await gone.InTime("the folder to be deleted");
        Assert.Equal(["p3"], Directory.GetDirectories(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_partition_count_that_comes_back_finds_its_clicks()
    {
        await SpoolForTwoAsync();
        await using (var spool = Open(_folder, partitions: 3))
        {
            await spool.AppendAsync(50, partition: 2).InTime("an append");
        }

        await using var again = Open(_folder, partitions: 2);
        Assert.Equal((5, 8), (again.Lanes.Count, again.Records));
        await again.AppendAsync(4, partition: 0).InTime("an append");
        Assert.Equal([0, 1, 2, 3, 4], await again.Lanes[0].DrainAsync());
        Assert.Equal([50], await again.Lanes[4].DrainAsync());
    }

    private async Task SpoolForTwoAsync()
    {
        await using var spool = Open(_folder, partitions: 2);
        await spool.AppendAllAsync(0, 4, partition: 0);
        await spool.AppendAllAsync(10, 2, partition: 1);
        await spool.AppendAsync(12, partition: 1, clickTimeMs: NoonMs - 4001).InTime("an append");
    }
}
