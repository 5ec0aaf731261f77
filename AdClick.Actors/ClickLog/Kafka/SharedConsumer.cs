using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The one Kafka consumer of a node. It serves every partition that is read here: a reader is opened at an offset, which assigns its partition by hand,
/// and closed, which takes it away. One thread owns the consumer; everyone else leaves it a command and goes on.
/// </summary>
/// <remarks>
/// Errors that pass (brokers away, a leader that moves) make readers wait, and show in <see cref="Notice"/>. After one that doesn't, the consumer is
/// built anew and every partition assigned again where its records ended. See <c>docs/decisions/0007-kafka-source.md</c>.
/// </remarks>
internal sealed partial class SharedConsumer : IAsyncDisposable
{
    /// <summary>Patience with the brokers at the end, once for the last commit and once for the client; a node has 30 s to stop.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    private readonly ConsumerSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LibrdkafkaLog _clientLog;
    private readonly Committer _committer;
    private readonly TopicPartition[] _partitions;
    private readonly LogRange[] _ranges;
    private readonly Lock _commandLock = new();
    private readonly Queue<Command> _commands = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Client _client;
    private volatile string? _notice;
    private volatile bool _isStopping;
    private volatile int _highWaterMark;
    private long _newestAppendTimeMs;

    /// <summary>Builds the consumer and starts its thread. Connects in the background.</summary>
    /// <exception cref="InvalidOperationException">A property is unknown or has a wrong value.</exception>
    public SharedConsumer(ConsumerSettings settings, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _time = time;
        _logger = logger;
        _clientLog = new LibrdkafkaLog(logger, time, settings.Redact);
        _partitions = [.. Enumerable.Range(0, settings.Partitions).Select(partition => new TopicPartition(settings.Topic, partition))];
        _ranges = new LogRange[settings.Partitions];
        _assigned = new AssignedPartition?[settings.Partitions];
        _highWaterMark = settings.HighWaterMark(1);
        _client = Build();
        _committer = new Committer(Commit, settings.Partitions, settings.CommitInterval, time, logger);
        new Thread(Run) { Name = "adclick-kafka-read", IsBackground = true }.Start();
    }

    private enum CommandKind
    {
        Assign,
        Unassign,
        Resume,
    }

    /// <summary>
    /// The greatest append time of all records that were read here; the Unix epoch while there is none. A topic with LogAppendTime has it from its brokers.
    /// </summary>
    public DateTimeOffset NewestAppendTime => DateTimeOffset.FromUnixTimeMilliseconds(Volatile.Read(ref _newestAppendTimeMs));

    /// <summary>Null while Kafka answers; otherwise a sentence for the operator. Readers wait meanwhile.</summary>
    public string? Notice => _notice;

    /// <summary>Bytes at which a paused partition is fetched again.</summary>
    internal int LowWaterMark => ConsumerSettings.LowWaterMark(_highWaterMark);

    /// <summary>The consumer as it is at present; a test may break it.</summary>
    internal Handle ClientHandle => _client.Consumer.Handle;

    /// <summary>
    /// Assigns a partition from an offset on. A reader of that partition that is still open gets no more: the newer one is the owner's.
    /// </summary>
    public IClickLogReader OpenReader(int partition, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(partition, _settings.Partitions);
        var assigned = new AssignedPartition(this, partition, offset);
        Enqueue(new Command(CommandKind.Assign, assigned));
        return new KafkaLogReader(this, assigned);
    }

    /// <summary>Begin and end of a partition as far as this node knows: from its readers, and from <see cref="FindRangeAsync"/>.</summary>
    public LogRange RangeOf(int partition)
    {
        lock (_ranges)
        {
            return _ranges[partition];
        }
    }

    /// <summary>Begin and end of a partition as its leader says; the end is the high watermark, below which everything is durable.</summary>
    /// <exception cref="ClickLogUnavailableException">The brokers don't say, or not in time.</exception>
    public async ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken)
    {
        var ends = await FindOffsetsAsync([partition], cancellationToken).ConfigureAwait(false);
        return ends[0];
    }

    /// <summary>Has a checkpoint committed to the consumer group soon, for Kafka's tools.</summary>
    public void Checkpointed(int partition, long offset) => _committer.Schedule(new CommittableOffset(partition, offset));

    /// <summary>
    /// Commits what is due and ends the consumer. Readers get what is buffered and then an <see cref="ObjectDisposedException"/>. The client can't be
    /// released while a commit hangs in it (45 s without brokers); then its thread is left to do so when it can.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _committer.StopAsync(StopPatience).ConfigureAwait(false);
        _isStopping = true;
        await _ended.Task.WaitAsync(StopPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends an assignment, unless a newer one has already done so.</summary>
    internal void Unassign(AssignedPartition assigned) => Enqueue(new Command(CommandKind.Unassign, assigned));

    /// <summary>Has a paused partition fetched again.</summary>
    internal void Resume(AssignedPartition assigned) => Enqueue(new Command(CommandKind.Resume, assigned));

    /// <summary>Tells of offsets without a record.</summary>
    internal void PassGap(int partition, long from, long to)
    {
        KafkaConsumerMetrics.OffsetsPassed.Add(to - from);
        if (to - from > 1)
        {
            // A marker of a transaction takes one offset. More at once smell of compaction, which removes clicks.
            _logger.LogWarning(
                "Partition {Partition} of topic {Topic} holds no records at offsets [{From}, {To}). "
                + "If the topic's cleanup.policy is anything but delete, clicks are being lost.",
                partition, _settings.Topic, from, to);
        }
    }

    private void Enqueue(Command command)
    {
        lock (_commandLock)
        {
            if (!_hasEnded)
            {
                _commands.Enqueue(command);
                return;
            }
        }

        command.Assigned.Fail(Ended());
    }

    private static ObjectDisposedException Ended() => new(nameof(SharedConsumer), "The Kafka consumer of this node has ended.");

    private Client Build()
    {
        var consumer = new ConsumerBuilder<Ignore, int>(_settings.ToConsumerConfig())
            .SetValueDeserializer(_landing)
            .SetLogHandler((_, line) => _clientLog.Write(line))
            .SetErrorHandler((_, error) => OnError(error))
            .Build();
        return new Client(consumer, new DependentAdminClientBuilder(consumer.Handle).Build());
    }

    private void Commit(IReadOnlyList<CommittableOffset> offsets) =>
        _client.Consumer.Commit(offsets.Select(offset => new TopicPartitionOffset(_partitions[offset.Partition], offset.Offset)));

    private async Task<LogRange[]> FindOffsetsAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        try
        {
            var admin = _client.Admin;
            var begins = await ListOffsetsAsync(admin, partitions, OffsetSpec.Earliest(), cancellationToken).ConfigureAwait(false);
            var ends = await ListOffsetsAsync(admin, partitions, OffsetSpec.Latest(), cancellationToken).ConfigureAwait(false);
            return [.. partitions.Select((partition, i) => Know(partition, begins[partition], ends[partition]))];
        }
        catch (Exception e) when (e is KafkaException or TimeoutException or ObjectDisposedException)
        {
            throw new ClickLogUnavailableException(
                $"Kafka doesn't say which offsets topic {_settings.Topic} holds in partition {string.Join(", ", partitions)}: {e.Message}", e);
        }
    }

    private async Task<Dictionary<int, long>> ListOffsetsAsync(
        IAdminClient admin, IReadOnlyList<int> partitions, OffsetSpec which, CancellationToken cancellationToken)
    {
        var wanted = partitions.Select(partition => new TopicPartitionOffsetSpec { TopicPartition = _partitions[partition], OffsetSpec = which });
        var options = new ListOffsetsOptions { RequestTimeout = _settings.RangeTimeout, IsolationLevel = IsolationLevel.ReadUncommitted };
        var listed = await admin.ListOffsetsAsync(wanted, options)
            .WaitAsync(_settings.RangeTimeout * 2, _time, cancellationToken).ConfigureAwait(false);
        var offsets = new Dictionary<int, long>();
        foreach (var info in listed.ResultInfos)
        {
            // A leader whose connection broke is said to have succeeded, with no offset (seen).
            var found = info.TopicPartitionOffsetError;
            if (found.Error.IsError || found.Offset.Value < 0)
            {
                throw new KafkaException(found.Error.IsError ? found.Error : new Error(ErrorCode.Local_Transport, "a leader gave no answer"));
            }

            offsets.Add(found.Partition.Value, found.Offset.Value);
        }

        return offsets;
    }

    private LogRange Know(int partition, long begin, long end)
    {
        lock (_ranges)
        {
            // An answer may be older than what a reader has seen meanwhile.
            return _ranges[partition] = new LogRange(Math.Max(_ranges[partition].Begin, begin), Math.Max(_ranges[partition].End, end));
        }
    }

    private readonly record struct Command(CommandKind Kind, AssignedPartition Assigned);

    private sealed record Client(IConsumer<Ignore, int> Consumer, IAdminClient Admin) : IDisposable
    {
        public void Dispose()
        {
            Admin.Dispose();
            Consumer.Dispose();
        }
    }
}
