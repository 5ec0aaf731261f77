using System.Globalization;
using Confluent.Kafka;

namespace AdClick.Benchmarks.Kafka;

/// <summary>
/// Makes a mock cluster obey lines of text: a word for what to do, then its arguments. Every line is answered with one line, <see cref="Done"/> or
/// <see cref="Failed"/> and why.
/// </summary>
/// <remarks>
/// Brokers are numbers from 1, or <c>all</c>, or, for a leader, <c>none</c>. Requests are names of <see cref="MockKafkaRequest"/>, errors names of
/// <see cref="ErrorCode"/>, both in any case.
/// </remarks>
internal sealed class MockKafkaConsole
{
    /// <summary>Answer to a line that was obeyed.</summary>
    public const string Done = "ok";

    /// <summary>Begin of the answer to a line that was not.</summary>
    public const string Failed = "error: ";

    /// <summary>What there is to say, for <c>--help</c>.</summary>
    public const string Words =
        "down BROKER · up BROKER · rtt BROKER MILLISECONDS · errors REQUEST TIMES ERROR [ERROR…] (the row of errors so many times over; NoError " +
        "lets one through) · answer BROKER REQUEST ERROR MILLISECONDS (the next such request gets this answer so late) · clear REQUEST · " +
        "leader PARTITION BROKER · move BROKER (its partitions go to the others) · delete PARTITION OFFSET (records below it) · quit";

    private readonly MockKafkaCluster _cluster;
    private readonly string _topic;

    /// <summary>Commands for a cluster.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="topic">The topic that partitions are of.</param>
    public MockKafkaConsole(MockKafkaCluster cluster, string topic)
    {
        _cluster = cluster;
        _topic = topic;
    }

    /// <summary>Obeys one line; gives the answer.</summary>
    public string Obey(string line)
    {
        try
        {
            Do(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            return Done;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or KafkaException or IndexOutOfRangeException or OverflowException)
        {
            return Failed + e.Message.ReplaceLineEndings(" ");
        }
    }

    private void Do(string[] words)
    {
        switch (words)
        {
            case ["down", var broker]:
                _cluster.SetDown(BrokerOf(broker));
                break;
            case ["up", var broker]:
                _cluster.SetUp(BrokerOf(broker));
                break;
            case ["rtt", var broker, var delay]:
                _cluster.SetRoundTrip(BrokerOf(broker), Milliseconds(delay));
                break;
            case ["errors", var request, var times, .. { Length: > 0 } errors]:
                var row = Array.ConvertAll(errors, Enum<ErrorCode>);
                _cluster.PushErrors(Enum<MockKafkaRequest>(request), [.. Enumerable.Repeat(row, (int)Number(times)).SelectMany(error => error)]);
                break;
            case ["answer", var broker, var request, var error, var delay]:
                _cluster.PushAnswer(BrokerOf(broker), Enum<MockKafkaRequest>(request), Enum<ErrorCode>(error), Milliseconds(delay));
                break;
            case ["clear", var request]:
                _cluster.ClearErrors(Enum<MockKafkaRequest>(request));
                break;
            case ["leader", var partition, "none"]:
                _cluster.SetLeader(_topic, (int)Number(partition), MockKafkaCluster.NoBroker);
                break;
            case ["leader", var partition, var broker]:
                _cluster.SetLeader(_topic, (int)Number(partition), BrokerOf(broker));
                break;
            case ["move", var broker]:
                _cluster.MoveLeaders(_topic, BrokerOf(broker));
                break;
            case ["delete", var partition, var offset]:
                _cluster.DeleteRecords(_topic, (int)Number(partition), Number(offset));
                break;
            default:
                throw new FormatException($"'{string.Join(' ', words)}' is none of: {Words}");
        }
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static TimeSpan Milliseconds(string text) => TimeSpan.FromMilliseconds(Number(text));

    private static int BrokerOf(string text) => text == "all" ? MockKafkaCluster.AllBrokers : (int)Number(text);

    private static T Enum<T>(string text)
        where T : struct, Enum =>
        System.Enum.TryParse<T>(text, ignoreCase: true, out var value) && System.Enum.IsDefined(value)
            ? value
            : throw new FormatException($"'{text}' is none of {string.Join(", ", System.Enum.GetNames<T>())}.");
}
