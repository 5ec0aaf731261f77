using System.Globalization;
using System.Threading.Channels;
using AdClick.Benchmarks.Kafka;
using Confluent.Kafka;

namespace AdClick.Benchmarks.Processes;

/// <summary>A mock Kafka cluster in a process of its own (<c>mock-kafka</c>), with one topic. It ends with this process, however that ends.</summary>
internal sealed class MockKafkaProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;
    private readonly ChannelReader<string> _lines;
    private readonly SemaphoreSlim _turn = new(1);

    private MockKafkaProcess(ChildProcess process, ChannelReader<string> lines, string topic)
    {
        _process = process;
        _lines = lines;
        Topic = topic;
    }

    /// <summary>Its topic.</summary>
    public string Topic { get; }

    /// <summary>Addresses of all brokers.</summary>
    public string BootstrapServers { get; private set; } = "";

    /// <summary>The system's number for it.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan ProcessorTime => _process.ProcessorTime;

    /// <summary>Starts the cluster and waits until it listens.</summary>
    /// <param name="folder">Folder for its output.</param>
    /// <param name="topic">Topic to create.</param>
    /// <param name="partitions">Its partitions; each keeps 5 MiB.</param>
    /// <param name="brokers">Number of brokers.</param>
    /// <exception cref="InvalidOperationException">It could not be started; with the end of its output.</exception>
    public static async Task<MockKafkaProcess> StartAsync(string folder, string topic, int partitions, int brokers = 3)
    {
        var lines = Channel.CreateUnbounded<string>();
        string[] arguments =
        [
            MockKafkaCommand.Name, "--topic", topic,
            "--partitions", partitions.ToString(CultureInfo.InvariantCulture),
            "--brokers", brokers.ToString(CultureInfo.InvariantCulture),
        ];
        var child = ChildProcess.Start(
            typeof(MockKafkaProcess).Assembly.Location,
            arguments,
            new Dictionary<string, string>(),
            Path.Combine(folder, "mock-kafka.log"),
            line => _ = line is null ? lines.Writer.TryComplete() : lines.Writer.TryWrite(line));
        var process = new MockKafkaProcess(child, lines.Reader, topic);
        try
        {
            // A command line that is wrong has help printed, and the process ends.
            while (!char.IsAsciiDigit(process.BootstrapServers.LastOrDefault()))
            {
                process.BootstrapServers = await process.NextLineAsync("its bootstrap servers");
            }

            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Breaks a broker's connections and takes no new ones; its partitions stay its own until <see cref="MoveLeadersAsync"/>.</summary>
    /// <param name="broker">From 1; null for all.</param>
    public Task SetDownAsync(int? broker = null) => TellAsync($"down {NameOf(broker)}");

    /// <summary>Takes connections again.</summary>
    /// <param name="broker">From 1; null for all.</param>
    public Task SetUpAsync(int? broker = null) => TellAsync($"up {NameOf(broker)}");

    /// <summary>Delays every answer.</summary>
    /// <param name="broker">From 1; null for all.</param>
    /// <param name="roundTrip">Whole milliseconds; zero for none.</param>
    public Task SetRoundTripAsync(int? broker, TimeSpan roundTrip) => TellAsync($"rtt {NameOf(broker)} {Milliseconds(roundTrip)}");

    /// <summary>
    /// Fails the next requests of a kind with a row of errors, so many times over; <see cref="ErrorCode.NoError"/> lets one through.
    /// </summary>
    public Task PushErrorsAsync(MockKafkaRequest request, int times, params IEnumerable<ErrorCode> errors) =>
        TellAsync(string.Create(CultureInfo.InvariantCulture, $"errors {request} {times} {string.Join(' ', errors)}"));

    /// <summary>Forgets what <see cref="PushErrorsAsync"/> has pushed.</summary>
    public Task ClearErrorsAsync(MockKafkaRequest request) => TellAsync($"clear {request}");

    /// <summary>Delays the answer to the next request of a kind at one broker: <see cref="MockKafkaCluster.PushAnswer"/>.</summary>
    public Task PushAnswerAsync(int broker, MockKafkaRequest request, ErrorCode error, TimeSpan delay) =>
        TellAsync($"answer {NameOf(broker)} {request} {error} {Milliseconds(delay)}");

    /// <summary>Moves a partition to another leader.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="broker">From 1; null for none.</param>
    public Task SetLeaderAsync(int partition, int? broker) =>
        TellAsync(string.Create(CultureInfo.InvariantCulture, $"leader {partition} {(broker is { } leader ? leader : "none")}"));

    /// <summary>Gives all partitions of one broker to the others in turn.</summary>
    public Task MoveLeadersAsync(int fromBroker) => TellAsync($"move {NameOf(fromBroker)}");

    /// <summary>Drops the records of a partition below an offset, as retention does.</summary>
    public Task DeleteRecordsAsync(int partition, long beforeOffset) =>
        TellAsync(string.Create(CultureInfo.InvariantCulture, $"delete {partition} {beforeOffset}"));

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        _turn.Dispose();
    }

    private static string NameOf(int? broker) => broker?.ToString(CultureInfo.InvariantCulture) ?? "all";

    private static string Milliseconds(TimeSpan span) => ((int)span.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private async Task TellAsync(string line)
    {
        await _turn.WaitAsync();
        try
        {
            _process.WriteLine(line);
            var answer = await NextLineAsync($"the answer to '{line}'");
            if (answer != MockKafkaConsole.Done)
            {
                throw new InvalidOperationException($"The mock cluster answered to '{line}': {answer}");
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string> NextLineAsync(string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await _lines.ReadAsync(patience.Token);
        }
        catch (ChannelClosedException e)
        {
            throw new InvalidOperationException($"The mock cluster has ended before {what}. {_process.EndOfOutput()}", e);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"Waited {Patience} for {what} of the mock cluster. {_process.EndOfOutput()}", e);
        }
    }
}
