using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>What a partition does for its archive.</summary>
public sealed class PartitionArchiveTests : PartitionTest
{
    [Fact]
    public async Task The_log_is_truncated_only_below_what_is_archived_and_the_archive_ends_with_the_owner()
    {
        var archive = new FixedArchive { Offset = 4 };
        var context = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { ClickLogRetention = TimeSpan.Zero }) with { Archive = archive };
        Append(0, 10);
        var entity = Harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.CheckpointOffset == 10), "the first checkpoint");
        Assert.Equal(4, Log.RangeOf(0).Begin);
        Assert.Equal((1, 0), (archive.Started, archive.Ended));

        archive.Offset = 12;
        Append(10, 2);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.CheckpointOffset == 12), "the second checkpoint");
        Assert.Equal(12, Log.RangeOf(0).Begin);

        await PartitionHarness.HandOffAsync(entity);
        Assert.Equal((1, 1), (archive.Started, archive.Ended));
    }

    private sealed class FixedArchive : IPartitionArchive, IDisposable
    {
        private bool _isPrepared;

        public long Offset { get; set; }

        public int Started { get; private set; }

        public int Ended { get; private set; }

        public Task PrepareAsync(PartitionProgress acquired, LogRange range, CancellationToken cancellationToken)
        {
            _isPrepared = true;
            return Task.CompletedTask;
        }

        public IDisposable Start(PartitionProgress acquired)
        {
            Assert.True(_isPrepared);
            Started++;
            return this;
        }

        public long KeepFrom(int partition) => Offset;

        public Task DrainAsync(IReadOnlyList<LogRange> ranges, Action<string> tell, CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose() => Ended++;
    }
}
