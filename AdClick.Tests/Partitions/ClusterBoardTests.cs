using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>What a node believes of the others.</summary>
public sealed class ClusterBoardTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly PartitionBoard _own = new();
    private readonly ClusterBoard _board;

    public ClusterBoardTests()
    {
        _board = new ClusterBoard(_own, new InMemoryClickLog(4), "g1", _time);
        _board.SetNodes([new ClusterNode("me:1", ["gateway", "processor"], "up", IsReachable: true, IsSelf: true)]);
    }

    [Fact]
    public void Of_two_owners_the_one_with_the_greater_epoch_is_right()
    {
        _own.Post(new PartitionStatus { Partition = 1, Phase = PartitionPhase.Running, OwnerEpoch = 5 });
        _board.Note("other:1", Report("g2", (1, 6), (2, 1)));
        _board.Note("frozen:1", Report("g3", (1, 4), (2, 2)));
        var partitions = _board.Partitions();
        Assert.Equal([(1, "other:1"), (2, "frozen:1")], partitions.Select(partition => (partition.Key, partition.Value.Node)));

        _own.Post(new PartitionStatus { Partition = 1, Phase = PartitionPhase.Starting, OwnerEpoch = 7 });
        Assert.Equal("me:1", _board.Partitions()[1].Node);
    }

    [Fact]
    public void A_node_that_says_nothing_any_more_or_has_gone_owns_nothing()
    {
        _board.Note("other:1", Report("g2", (1, 1)));
        _board.Note("third:1", Report("g3", (2, 1)));
        _board.Forget("third:1");
        Assert.Equal([1], _board.Partitions().Keys);
        _time.Advance(ClusterBoard.ReportLifetime);
        Assert.Empty(_board.Partitions());
    }

    [Fact]
    public void Two_gateways_of_one_name_are_found()
    {
        _board.Note("other:1", Report("g2"));
        Assert.Null(_board.FindNamesake());
        _board.Note("copy:1", Report("g1"));
        Assert.Equal("copy:1", _board.FindNamesake());
    }

    [Fact]
    public void What_a_node_reports_is_what_the_others_read()
    {
        var status = new PartitionStatus
        {
            Partition = 3,
            Phase = PartitionPhase.BackingOff,
            Reason = "why",
            OwnerEpoch = 1,
            NextOffset = 2,
            FlushedOffset = 3,
            CheckpointOffset = 4,
            CheckpointAt = DateTimeOffset.FromUnixTimeMilliseconds(5),
            ClockMs = 6,
            Ads = 7,
            Impressions = 8,
        };
        _own.Post(status);
        var reader = new ClusterBoard(new PartitionBoard(), new InMemoryClickLog(4), null, _time);
        reader.Note("me:1", _board.Report());
        Assert.Equal(new OwnedPartition("me:1", status, 0), reader.Partitions()[3]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Each_round_wakes_each_partition_once_and_each_node_has_its_turn(int nodes)
    {
        for (var partition = 0; partition < 8; partition++)
        {
            var wakers = Enumerable.Range(0, nodes)
                .Select(round => Assert.Single(Enumerable.Range(0, nodes), rank => PartitionWaker.IsTurn(partition, round, rank, nodes)));
            Assert.Equal(Enumerable.Range(0, nodes), wakers.Order());
        }
    }

    private static NodeReport Report(string gateway, params (int Partition, long OwnerEpoch)[] partitions)
    {
        var report = new NodeReport { Gateway = gateway };
        report.Partitions.AddRange(partitions.Select(partition => new PartitionReport
        {
            Partition = partition.Partition,
            Phase = (int)PartitionPhase.Running,
            OwnerEpoch = partition.OwnerEpoch,
        }));
        return report;
    }
}
