using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace AdClick.Benchmarks.Kafka;

/// <summary>
/// librdkafka's mock of a Kafka cluster: it speaks the real protocol over TCP on free ports of loopback, lives in this process, and fails as told.
/// </summary>
/// <remarks>
/// <para>What it is not, each seen with version 2.16:</para>
/// <para>
/// Nothing is durable. A partition keeps 5 MiB in memory and drops the oldest record sets beyond, read or not: a reader that is behind finds its
/// offset out of range. (Its other bound, 100,000 sets, is out of reach: the smallest set takes 69 bytes.) A fetch brings at most one set of a
/// partition.
/// </para>
/// <para>
/// Records carry the time of the producer (<c>CreateTime</c>), and a delivery report says <c>LogAppendTime</c> 1234. The offset of a time is the end,
/// whatever the time. A connection's requests are answered one after the other, so a look at the watermarks waits behind a consumer's fetch (half a
/// second).
/// </para>
/// <para>
/// A broker that is down stays the leader of its partitions and in the metadata until <see cref="MoveLeaders"/>. Replicas are only names. A topic
/// that does not exist is made, with 4 partitions, by whoever asks for its metadata (an administrator's DescribeTopics does not), also after it was
/// deleted.
/// </para>
/// <para>
/// DescribeTopics gives a topic ID, which a topic of the same name made later does not share. CreateTopics and DescribeConfigs are answered at once
/// with
/// <see cref="ErrorCode.Local_UnsupportedFeature"/>; without a controller (<see cref="SetController"/>, <see cref="NoBroker"/>), where the mock
/// begins, all three wait until they time out. There is neither TLS nor SASL.
/// </para>
/// </remarks>
internal sealed class MockKafkaCluster : IDisposable
{
    /// <summary>In the place of a broker's number: every broker.</summary>
    public const int AllBrokers = -1;

    /// <summary>In the place of a leader's number: the partition has none.</summary>
    public const int NoBroker = -1;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int[]> _leaders = [];
    private readonly nint _client;
    private readonly nint _cluster;
    private bool _isDisposed;

    /// <summary>Starts the brokers, numbered from 1.</summary>
    /// <param name="brokers">How many.</param>
    /// <exception cref="InvalidOperationException">librdkafka could not make the cluster.</exception>
    public MockKafkaCluster(int brokers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(brokers, 1);
        Brokers = brokers;
        MockKafkaLibrary.Load();
        var configuration = MockKafkaLibrary.NewConfiguration();
        MockKafkaLibrary.SetLogCallback(configuration, 0); // it would write to standard error
        _client = MockKafkaLibrary.NewClient(MockKafkaLibrary.Producer, configuration, 0, 0);
        if (_client == 0)
        {
            throw new InvalidOperationException("librdkafka could not make the client that the mock cluster lives in.");
        }

        _cluster = MockKafkaLibrary.NewCluster(_client, brokers);
        if (_cluster == 0)
        {
            MockKafkaLibrary.DestroyClient(_client);
            throw new InvalidOperationException($"librdkafka could not make a mock cluster of {brokers} brokers.");
        }

        MockKafkaLibrary.SetController(_cluster, 1);
        BootstrapServers = Marshal.PtrToStringUTF8(MockKafkaLibrary.Bootstraps(_cluster))!;
    }

    /// <summary>Number of brokers; they are called 1 to this.</summary>
    public int Brokers { get; }

    /// <summary>Addresses of all brokers, as <c>bootstrap.servers</c> takes them.</summary>
    public string BootstrapServers { get; }

    private nint Cluster
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _cluster;
        }
    }

    /// <summary>Creates a topic, whose partitions are led by the brokers in turn: partition 0 by broker 1, and so on.</summary>
    /// <param name="topic">Its name.</param>
    /// <param name="partitions">Number of partitions.</param>
    /// <param name="replicationFactor">Number of replicas that metadata shows; the mock copies nothing.</param>
    public void CreateTopic(string topic, int partitions, int replicationFactor = 1)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.CreateTopic(Cluster, topic, partitions, replicationFactor));
            var leaders = new int[partitions]; // the mock draws them; a test must know them
            _leaders[topic] = leaders;
            for (var partition = 0; partition < partitions; partition++)
            {
                leaders[partition] = partition % Brokers + 1;
                Check(MockKafkaLibrary.SetLeader(Cluster, topic, partition, leaders[partition]));
            }
        }
    }

    /// <summary>Deletes a topic with all its records.</summary>
    public void DeleteTopic(string topic)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.DeleteTopic(Cluster, topic));
            _leaders.Remove(topic);
        }
    }

    /// <summary>Drops the records of a partition below an offset, as retention does.</summary>
    public void DeleteRecords(string topic, int partition, long beforeOffset)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.DeleteRecords(Cluster, topic, partition, beforeOffset));
        }
    }

    /// <summary>Breaks a broker's connections and takes no new ones. Its partitions stay its own: see <see cref="MoveLeaders"/>.</summary>
    /// <param name="broker">1 to <see cref="Brokers"/>, or <see cref="AllBrokers"/>.</param>
    public void SetDown(int broker)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetDown(Cluster, broker));
        }
    }

    /// <summary>Takes connections again, at the same port.</summary>
    /// <param name="broker">1 to <see cref="Brokers"/>, or <see cref="AllBrokers"/>.</param>
    public void SetUp(int broker)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetUp(Cluster, broker));
        }
    }

    /// <summary>Delays every answer of a broker by so long.</summary>
    /// <param name="broker">1 to <see cref="Brokers"/>, or <see cref="AllBrokers"/>.</param>
    /// <param name="roundTrip">Whole milliseconds; zero for none.</param>
    public void SetRoundTrip(int broker, TimeSpan roundTrip)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetRoundTrip(Cluster, broker, (int)roundTrip.TotalMilliseconds));
        }
    }

    /// <summary>
    /// Fails the next requests of a kind, at whichever brokers, with these errors in turn: <see cref="ErrorCode.NoError"/> lets one through,
    /// <see cref="ErrorCode.Local_Transport"/> breaks the connection. A produce request that fails has appended nothing. Have the producer
    /// send one request at a time then (<c>max.in.flight.requests.per.connection=1</c>): the mock does not look at sequence numbers, and an idempotent producer
    /// takes a later request's success for that of an earlier one that failed.
    /// </summary>
    public void PushErrors(MockKafkaRequest request, params ReadOnlySpan<ErrorCode> errors)
    {
        lock (_lock)
        {
            MockKafkaLibrary.PushErrors(Cluster, (short)request, (nuint)errors.Length, MemoryMarshal.Cast<ErrorCode, int>(errors));
        }
    }

    /// <summary>Forgets what <see cref="PushErrors"/> has pushed and no request has met yet.</summary>
    public void ClearErrors(MockKafkaRequest request)
    {
        lock (_lock)
        {
            MockKafkaLibrary.ClearErrors(Cluster, (short)request);
        }
    }

    /// <summary>
    /// Treats the next request of a kind at one broker: delays its answer, with an error or without. With <see cref="ErrorCode.NoError"/> the request
    /// is obeyed at once, and only its answer is late: this, and then <see cref="SetDown"/> or the producer's time-out, loses a delivery report. (The
    /// producer then calls the click <see cref="PersistenceStatus.NotPersisted"/>, and it is in the log.) Goes before <see cref="PushErrors"/>.
    /// </summary>
    /// <param name="broker">1 to <see cref="Brokers"/>.</param>
    /// <param name="request">Kind of request.</param>
    /// <param name="error">Error to answer with.</param>
    /// <param name="delay">Whole milliseconds.</param>
    public void PushAnswer(int broker, MockKafkaRequest request, ErrorCode error, TimeSpan delay)
    {
        RequireVariadicCalls();
        lock (_lock)
        {
            Check(MockKafkaLibrary.PushBrokerError(Cluster, broker, (short)request, 1, (int)error, (int)delay.TotalMilliseconds));
        }
    }

    /// <summary>How many of <see cref="PushAnswer"/>'s answers are still to come.</summary>
    public int CountAnswers(int broker, MockKafkaRequest request)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.CountBrokerErrors(Cluster, broker, (short)request, out var count));
            return (int)count;
        }
    }

    /// <summary>Fails one partition in the next request of a kind that names it; the other partitions of that request are served.</summary>
    public void PushPartitionError(string topic, int partition, MockKafkaRequest request, ErrorCode error)
    {
        RequireVariadicCalls();
        lock (_lock)
        {
            Check(MockKafkaLibrary.PushPartitionError(Cluster, topic, partition, (short)request, 1, (int)error));
        }
    }

    /// <summary>Moves a partition to another leader, or to none.</summary>
    /// <param name="topic">A topic that <see cref="CreateTopic"/> has created.</param>
    /// <param name="partition">Its partition.</param>
    /// <param name="broker">1 to <see cref="Brokers"/>, or <see cref="NoBroker"/>.</param>
    public void SetLeader(string topic, int partition, int broker)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetLeader(Cluster, topic, partition, broker));
            _leaders[topic][partition] = broker;
        }
    }

    /// <summary>Who leads a partition; <see cref="NoBroker"/> if nobody does.</summary>
    public int LeaderOf(string topic, int partition)
    {
        lock (_lock)
        {
            return _leaders[topic][partition];
        }
    }

    /// <summary>Gives all partitions of one broker to the others in turn, as a real cluster does by itself when a broker dies.</summary>
    public void MoveLeaders(string topic, int fromBroker)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fromBroker, 1);
        if (Brokers < 2)
        {
            throw new ArgumentException("There is no other broker to move to.", nameof(fromBroker));
        }

        lock (_lock)
        {
            var leaders = _leaders[topic];
            var next = fromBroker;
            for (var partition = 0; partition < leaders.Length; partition++)
            {
                if (leaders[partition] == fromBroker)
                {
                    next = next % Brokers + 1;
                    next = next == fromBroker ? next % Brokers + 1 : next;
                    SetLeader(topic, partition, next);
                }
            }
        }
    }

    /// <summary>Names the replica that consumers of a partition are sent to.</summary>
    /// <param name="topic">A topic.</param>
    /// <param name="partition">Its partition.</param>
    /// <param name="broker">1 to <see cref="Brokers"/>, or <see cref="NoBroker"/> for the leader itself.</param>
    public void SetFollower(string topic, int partition, int broker)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetFollower(Cluster, topic, partition, broker));
        }
    }

    /// <summary>Names the broker that keeps a group's offsets.</summary>
    public void SetCoordinator(string group, int broker)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetCoordinator(Cluster, "group", group, broker));
        }
    }

    /// <summary>Names the broker that administrators' requests go to; <see cref="NoBroker"/> makes them wait until they time out.</summary>
    public void SetController(int broker)
    {
        lock (_lock)
        {
            MockKafkaLibrary.SetController(Cluster, broker);
        }
    }

    /// <summary>Makes the brokers as old as the versions of a request that they understand; to be called before a client connects.</summary>
    public void SetApiVersions(MockKafkaRequest request, short least, short most)
    {
        lock (_lock)
        {
            Check(MockKafkaLibrary.SetApiVersions(Cluster, (short)request, least, most));
        }
    }

    /// <summary>Answers metadata requests for a topic with an error; <see cref="ErrorCode.NoError"/> ends it.</summary>
    public void SetTopicError(string topic, ErrorCode error)
    {
        lock (_lock)
        {
            MockKafkaLibrary.SetTopicError(Cluster, topic, (int)error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                MockKafkaLibrary.DestroyCluster(_cluster);
                MockKafkaLibrary.DestroyClient(_client);
            }
        }
    }

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new KafkaException((ErrorCode)error);
        }
    }

    private static void RequireVariadicCalls()
    {
        if (OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64)
        {
            throw new PlatformNotSupportedException("This function takes variable arguments, which .NET can't pass on this system.");
        }
    }
}
