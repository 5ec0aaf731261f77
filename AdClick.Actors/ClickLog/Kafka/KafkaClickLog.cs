using AdClick.Actors.ClickLog.Spool;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The click log on a Kafka topic. It writes through <see cref="KafkaAppender"/>, with a spool on this machine for what Kafka does not take, and reads through
/// one <see cref="SharedConsumer"/>.
/// </summary>
/// <remarks>
/// Nothing is written to a topic before it has been found to be the right one: until then, and from the moment on at which it turns out to be another,
/// clicks are spooled and partitions wait.
/// </remarks>
public sealed class KafkaClickLog : IClickLog
{
    private const long FurtherBufferBytes = 16 * 1024 * 1024; // of those who read one partition at a time

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    // A node that has worked with the topic needs no answer to start; one that has not can't start without.
    private static readonly TimeSpan PatienceAtStart = TimeSpan.FromSeconds(3);

    private readonly KafkaOptions _options;
    private readonly ClickSpool _spool;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<ILogger, CancellationToken, Task<LogIdentity>> _findTopic;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _watching;
    private volatile Connection? _connection;
    private volatile string? _refusal;
    private volatile string? _unanswered;

    private KafkaClickLog(
        KafkaOptions options,
        LogIdentity identity,
        bool isFound,
        ClickSpool spool,
        Func<ILogger, CancellationToken, Task<LogIdentity>> findTopic,
        TimeProvider time,
        ILogger logger)
    {
        _options = options;
        _spool = spool;
        _findTopic = findTopic;
        _time = time;
        _logger = logger;
        Identity = identity;
        if (isFound)
        {
            Connect();
        }
        else
        {
            _unanswered = $"Kafka at {options.BootstrapServers} has not answered since the start: clicks are spooled in {spool.Folder}, and nothing is counted.";
        }

        _watching = WatchAsync(isFound);
    }

    /// <summary>How often the topic is looked at again.</summary>
    public static TimeSpan CheckInterval { get; } = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public LogIdentity Identity { get; }

    /// <inheritdoc/>
    public DateTimeOffset NewestAppendTime
    {
        get
        {
            if (_connection is not { } connection)
            {
                return DateTimeOffset.UnixEpoch;
            }

            var (written, read) = (connection.Appender.NewestAppendTime, connection.Consumer.NewestAppendTime);
            return written > read ? written : read;
        }
    }

    /// <inheritdoc/>
    public string? Fault => _refusal ?? (_connection is { } connection ? connection.Appender.Fault : _spool.Fault);

    /// <inheritdoc/>
    public string? Notice
    {
        get
        {
            var notice = _connection is { } connection ? connection.Appender.Notice ?? connection.Consumer.Notice : _unanswered;
            return _spool.Damage is { } damage ? $"{damage} {notice}".TrimEnd() : notice;
        }
    }

    /// <inheritdoc/>
    public long? SpooledFromMs => _spool.OldestClickMs;

    /// <summary>
    /// Opens the log. Where this node has worked with the topic before, Kafka need not answer now; else it is waited for, since nothing can be written down under an
    /// unknown log.
    /// </summary>
    /// <param name="options">Topic and brokers.</param>
    /// <param name="folder">The data folder, which remembers the topic.</param>
    /// <param name="neededRetention">How long clicks must stay in the topic: impression lifetime + allowed lateness.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Where warnings go.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="KafkaTopicRefusedException">The topic, a setting or what is remembered is wrong: a person has to decide.</exception>
    /// <exception cref="ClickLogUnavailableException">The spool's folder can't be made or read.</exception>
    /// <exception cref="ClickLogDamagedException">The spool is damaged.</exception>
    public static async Task<KafkaClickLog> OpenAsync(
        KafkaOptions options,
        string folder,
        TimeSpan neededRetention,
        TimeProvider time,
        ILogger? logger = null,
        CancellationToken cancellationToken = default)
    {
        logger ??= NullLogger.Instance;
        var remembered = RememberedTopic.Read(folder, options)?.Identity;
        var found = await FindAtStartAsync().ConfigureAwait(false);
        var spool = ClickSpool.Open(options.SpoolFolder, options.Partitions, options.SpoolMaxBytes, time, logger);
        try
        {
            await spool.RehearseAsync().ConfigureAwait(false);
            return new KafkaClickLog(
                options,
                found ?? remembered!,
                found is not null,
                spool,
                (log, cancellation) => KafkaTopic.OpenAsync(options, folder, neededRetention, log, null, cancellation),
                time,
                logger);
        }
        catch
        {
            await spool.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        async Task<LogIdentity?> FindAtStartAsync()
        {
            for (var pause = FirstPause; ; pause = Longer(pause))
            {
                try
                {
                    var patience = remembered is null ? (TimeSpan?)null : PatienceAtStart;
                    return await KafkaTopic.OpenAsync(options, folder, neededRetention, logger, patience, cancellationToken).ConfigureAwait(false);
                }
                catch (ClickLogUnavailableException e) when (remembered is not null)
                {
                    logger.LogWarning("{Reason} Clicks are spooled until Kafka answers.", e.Message);
                    return null;
                }
                catch (ClickLogUnavailableException e)
                {
                    logger.LogWarning(
                        "{Reason} This node has not worked with the topic yet and can't start without it; it tries again in {Pause}.", e.Message, pause);
                    await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    /// <inheritdoc/>
    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        if (_connection is { } connection)
        {
            var append = connection.Appender.AppendAsync(partition, key, record);
            if (!connection.IsClosed || !append.IsFaulted)
            {
                return append;
            }
        }

        return key.IsEmpty
            ? Task.FromException(new ClickLogUnavailableException(_refusal ?? _unanswered ?? "The click log is closed."))
            : _spool.AppendAsync(partition, key, record);
    }

    /// <inheritdoc/>
    public IClickLogReader OpenReader(int partition, long offset) =>
        _connection is { } connection ? connection.Consumer.OpenReader(partition, offset) : throw Unanswered();

    /// <inheritdoc/>
    public IClickLogReader OpenArchiveReader(int partition, long offset) =>
        _connection is { } connection ? connection.ArchiveConsumer.OpenReader(partition, offset) : throw Unanswered();

    /// <inheritdoc/>
    public IClickLogReader OpenLookupReader(int partition, long offset) =>
        _connection is { } connection ? connection.LookupConsumer.OpenReader(partition, offset) : throw Unanswered();

    /// <inheritdoc/>
    public LogRange RangeOf(int partition) => _connection?.Consumer.RangeOf(partition) ?? default;

    /// <inheritdoc/>
    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) =>
        _connection is { } connection
            ? connection.Consumer.FindRangeAsync(partition, cancellationToken)
            : ValueTask.FromException<LogRange>(Unanswered());

    /// <summary>Commits the checkpoint to the consumer group. What the topic keeps is for Kafka's retention to say.</summary>
    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan) => _connection?.Consumer.Checkpointed(partition, offset);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ending.IsCancellationRequested)
        {
            return;
        }

        await _ending.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        await DisconnectAsync().ConfigureAwait(false);
        await _spool.DisposeAsync().ConfigureAwait(false);
        _ending.Dispose();
    }

    // Looks for the topic until it is found, and afterwards whether it is still the same: one that was deleted and made anew would take clicks that no
    // checkpoint belongs to.
    private async Task WatchAsync(bool isFound)
    {
        var pause = isFound ? CheckInterval : FirstPause;
        try
        {
            while (true)
            {
                await Task.Delay(pause, _time, _ending.Token).ConfigureAwait(false);
                try
                {
                    // Warnings were given when it was found.
                    var identity = await _findTopic(_connection is null ? _logger : NullLogger.Instance, _ending.Token).ConfigureAwait(false);
                    if (identity != Identity)
                    {
                        throw new KafkaTopicRefusedException(
                            $"Topic '{_options.Topic}' has epoch {identity.Epoch} and {identity.Partitions} partitions, but this node works with epoch " +
                            $"{Identity.Epoch} and {Identity.Partitions}.");
                    }

                    _refusal = null;
                    if (_connection is null)
                    {
                        Connect();
                        _logger.LogInformation("Kafka at {Servers} answers.", _options.BootstrapServers);
                    }

                    pause = CheckInterval;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Kafka doesn't answer, or the data folder can't be written, where the topic is remembered. Once connected, appender and consumer tell more.
                    pause = _connection is null ? Longer(pause) : CheckInterval;
                    _unanswered = $"{e.Message} Clicks are spooled in {_spool.Folder}, and nothing is counted.";
                }
                catch (KafkaTopicRefusedException e)
                {
                    var isNew = _refusal is null;
                    _refusal = e.Message;
                    if (isNew)
                    {
                        _logger.LogCritical(
                            "{Reason} Clicks are spooled in {Folder}, and nothing is counted, until that is mended.", e.Message, _spool.Folder);
                    }

                    await DisconnectAsync().ConfigureAwait(false);
                    pause = LongestPause;
                }
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The log is closed.
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    private void Connect()
    {
        var settings = new ConsumerSettings
        {
            Topic = _options.Topic,
            Partitions = Identity.Partitions,
            Client = KafkaClientConfig.Consumer(_options),
            Redact = line => KafkaClientConfig.WithoutSecrets(line, _options),
        };
        var consumer = new SharedConsumer(settings, _time, _logger);
        var appender = new KafkaAppender(
            _options.Topic,
            Identity.Partitions,
            _spool,
            KafkaProducers.From(_options, _time, _logger),
            _options.DeliveryTimeout,
            _options.Linger,
            _time,
            _logger);
        _connection = new Connection(
            appender, consumer, () => new SharedConsumer(settings with { BufferBytes = FurtherBufferBytes }, _time, _logger));
    }

    private async Task DisconnectAsync()
    {
        if (_connection is not { } connection)
        {
            return;
        }

        connection.IsClosed = true;
        _connection = null;
        await connection.Appender.DisposeAsync().ConfigureAwait(false);
        await connection.Consumer.DisposeAsync().ConfigureAwait(false);
        await connection.CloseFurtherConsumersAsync().ConfigureAwait(false);
    }

    private ClickLogUnavailableException Unanswered() => new(_refusal ?? _unanswered ?? "The click log is closed.");

    private sealed class Connection(KafkaAppender appender, SharedConsumer consumer, Func<SharedConsumer> openFurtherConsumer)
    {
        private readonly Lazy<SharedConsumer> _archiveConsumer = new(openFurtherConsumer);
        private readonly Lazy<SharedConsumer> _lookupConsumer = new(openFurtherConsumer);
        private volatile bool _isClosed;

        public KafkaAppender Appender { get; } = appender;

        public SharedConsumer Consumer { get; } = consumer;

        /// <summary>A consumer for the archive, made when it is first wanted: one serves a partition to one reader, and here there is a second.</summary>
        public SharedConsumer ArchiveConsumer => _archiveConsumer.Value;

        /// <summary>A consumer for questions about single clicks, made when the first comes: a gateway may be asked where nothing is archived.</summary>
        public SharedConsumer LookupConsumer => _lookupConsumer.Value;

        /// <summary>Whether the appender takes no more; who was about to append has the spool.</summary>
        public bool IsClosed
        {
            get => _isClosed;
            set => _isClosed = value;
        }

        /// <summary>Closes the consumers beside the one that counts, if there are any.</summary>
        public async ValueTask CloseFurtherConsumersAsync()
        {
            foreach (var further in (Lazy<SharedConsumer>[])[_archiveConsumer, _lookupConsumer])
            {
                if (further.IsValueCreated)
                {
                    await further.Value.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
    }
}
