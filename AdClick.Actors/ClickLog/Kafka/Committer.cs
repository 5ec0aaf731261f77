using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Commits checkpoints to the consumer group now and then, so that Kafka's tools show how far counting has come. Nothing reads them back: the
/// checkpoint in the journal is what counts. So a commit that fails is tried again at the next turn, and disturbs nobody.
/// </summary>
/// <remarks>
/// A thread of its own, because a commit blocks, and for 45 s (seen) when no broker answers. Committing is free of the
/// assignment, so a checkpoint that comes after its partition was handed over is committed too.
/// </remarks>
internal sealed class Committer
{
    /// <summary>At a commit that fails every 5 s, more lines would only hide others.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Action<IReadOnlyList<CommittableOffset>> _commit;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long[] _wanted;
    private readonly long[] _committed;
    private readonly ManualResetEventSlim _stopped = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? _loggedAt;

    /// <summary>Starts the thread.</summary>
    /// <param name="commit">Commits, and throws <see cref="KafkaException"/> when it couldn't.</param>
    /// <param name="partitions">Number of partitions.</param>
    /// <param name="interval">Time between two commits.</param>
    /// <param name="time">For the log lines' distance.</param>
    /// <param name="logger">Told of failures.</param>
    public Committer(Action<IReadOnlyList<CommittableOffset>> commit, int partitions, TimeSpan interval, TimeProvider time, ILogger logger)
    {
        _commit = commit;
        _interval = interval;
        _time = time;
        _logger = logger;
        _wanted = new long[partitions];
        _committed = new long[partitions];
        new Thread(Run) { Name = "adclick-kafka-commit", IsBackground = true }.Start();
    }

    /// <summary>Commits this at the next turn, unless a later offset of the partition came before.</summary>
    public void Schedule(CommittableOffset offset)
    {
        lock (_wanted)
        {
            _wanted[offset.Partition] = Math.Max(_wanted[offset.Partition], offset.Offset);
        }
    }

    /// <summary>Commits for the last time and ends the thread. Waits only so long for it, as no broker may answer.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        _stopped.Set();
        await _ended.Task.WaitAsync(patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Run()
    {
        bool isLast;
        do
        {
            isLast = _stopped.Wait(_interval);
            Commit();
        }
        while (!isLast);

        _ended.SetResult();
    }

    private void Commit()
    {
        var due = new List<CommittableOffset>();
        lock (_wanted)
        {
            for (var partition = 0; partition < _wanted.Length; partition++)
            {
                if (_wanted[partition] > _committed[partition])
                {
                    due.Add(new CommittableOffset(partition, _wanted[partition]));
                }
            }
        }

        if (due.Count == 0)
        {
            return;
        }

        try
        {
            _commit(due);
            foreach (var (partition, offset) in due)
            {
                _committed[partition] = offset;
            }
        }
        catch (Exception e) when (e is KafkaException or ObjectDisposedException)
        {
            KafkaConsumerMetrics.CommitsFailed.Add(1);
            if (_loggedAt is not { } at || _time.GetElapsedTime(at) >= LogInterval)
            {
                _loggedAt = _time.GetTimestamp();
                _logger.LogWarning(
                    "Checkpoints of {Count} partitions could not be committed to Kafka, so its tools show a lag that is not there: {Reason}. Counting goes on.",
                    due.Count,
                    e.Message);
            }
        }
    }
}
