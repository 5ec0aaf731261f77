using System.Collections.Concurrent;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

public sealed class CommitterTests
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Each_partition_is_committed_once_and_never_backwards()
    {
        var commits = new Commits(4);
        var committer = new Committer(commits.Commit, 4, Often, TimeProvider.System, new LineLog());
        committer.Schedule(new CommittableOffset(1, 10));
        await commits.Next().WithPatience("the first commit");
        committer.Schedule(new CommittableOffset(1, 7));
        committer.Schedule(new CommittableOffset(3, 5));
        await commits.Next().WithPatience("the second commit");
        committer.Schedule(new CommittableOffset(1, 11));

        await committer.StopAsync(Patience);

        Assert.Equal([new(1, 10), new(3, 5), new(1, 11)], commits.All);
    }

    [Fact]
    public async Task A_commit_that_fails_is_made_good_at_the_next_turn_and_is_logged_once_in_a_while()
    {
        var log = new LineLog();
        var commits = new Commits(1) { Failures = 5 };
        var committer = new Committer(commits.Commit, 1, Often, TimeProvider.System, log);
        committer.Schedule(new CommittableOffset(0, 10));

        await commits.Next().WithPatience("the commit after the failures");

        await committer.StopAsync(Patience);
        Assert.Equal([new(0, 10)], commits.All);
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task A_commit_that_hangs_holds_up_no_stop()
    {
        using var release = new ManualResetEventSlim();
        var committer = new Committer(_ => release.Wait(Patience), 1, Often, TimeProvider.System, new LineLog());
        committer.Schedule(new CommittableOffset(0, 10));

        await committer.StopAsync(TimeSpan.FromMilliseconds(10)).WithPatience("the stop");

        release.Set();
        await committer.StopAsync(Patience);
    }

    private sealed class Commits(int partitions)
    {
        private readonly ConcurrentQueue<CommittableOffset> _all = [];
        private readonly SemaphoreSlim _made = new(0);

        public int Failures { get; set; }

        public IEnumerable<CommittableOffset> All => _all;

        public void Commit(IReadOnlyList<CommittableOffset> offsets)
        {
            Assert.InRange(offsets.Count, 1, partitions);
            if (Failures-- > 0)
            {
                throw new KafkaException(ErrorCode.Local_WaitCoord);
            }

            foreach (var offset in offsets)
            {
                _all.Enqueue(offset);
            }

            _made.Release();
        }

        public Task Next() => _made.WaitAsync();
    }
}
