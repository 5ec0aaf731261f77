using System.Globalization;
using AdClick.Benchmarks.Kafka;
using AdClick.Benchmarks.Processes;
using Confluent.Kafka;

namespace AdClick.Benchmarks.Load;

/// <summary>What can be done to the mock cluster under load.</summary>
internal enum KafkaFaultKind
{
    /// <summary>All brokers are down.</summary>
    Down,

    /// <summary>One broker is down, and its partitions have other leaders.</summary>
    BrokerDown,

    /// <summary>Every third produce request is answered with an error.</summary>
    Errors,

    /// <summary>Every answer takes 500 ms.</summary>
    Slow,

    /// <summary>Every partition gets another leader, at the beginning and at the end.</summary>
    LeaderMoved,

    /// <summary>Answers to produce requests that were obeyed are lost, as the connection breaks before they come.</summary>
    ReportLost,
}

/// <summary>A fault of the mock cluster in a load run.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="At">When, from the begin of the load.</param>
/// <param name="For">How long.</param>
internal sealed record KafkaFault(KafkaFaultKind Kind, TimeSpan At, TimeSpan For)
{
    private static readonly TimeSpan SlowRoundTrip = TimeSpan.FromMilliseconds(500);

    // Longer than any delivery time-out that is measured: the answer is on its way when the connection breaks.
    private static readonly TimeSpan LateAnswer = TimeSpan.FromSeconds(30);

    /// <summary>How a fault is written on the command line.</summary>
    public static string Form => $"KIND@AT+FOR, in seconds, such as down@10+60; KIND is one of {string.Join(", ", Enum.GetNames<KafkaFaultKind>())}";

    /// <summary>Reads <see cref="Form"/>.</summary>
    /// <exception cref="ArgumentException">It is written otherwise.</exception>
    public static KafkaFault Parse(string text)
    {
        var parts = text.Split('@', '+');
        return parts.Length == 3
            && Enum.TryParse<KafkaFaultKind>(parts[0], ignoreCase: true, out var kind) && Enum.IsDefined(kind) && !char.IsAsciiDigit(parts[0][0])
            && double.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var at)
            && double.TryParse(parts[2], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var length)
            ? new KafkaFault(kind, TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(length))
            : throw new ArgumentException($"The fault '{text}' must be written {Form}.", nameof(text));
    }

    /// <summary>Makes it happen, and ends it.</summary>
    /// <param name="kafka">The cluster.</param>
    /// <param name="partitions">Partitions of its topic.</param>
    /// <param name="brokers">Its brokers.</param>
    /// <param name="progress">Takes a line at begin and end.</param>
    public async Task RunAsync(MockKafkaProcess kafka, int partitions, int brokers, TextWriter progress)
    {
        await Task.Delay(At);
        progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Kind} for {For.TotalSeconds} s."));
        switch (Kind)
        {
            case KafkaFaultKind.Down:
                await kafka.SetDownAsync();
                await Task.Delay(For);
                await kafka.SetUpAsync();
                break;
            case KafkaFaultKind.BrokerDown:
                await kafka.SetDownAsync(1);
                await kafka.MoveLeadersAsync(1);
                await Task.Delay(For);
                await kafka.SetUpAsync(1);
                break;
            case KafkaFaultKind.Errors:
                // Far more of them than there will be requests; what is left over is taken back.
                await kafka.PushErrorsAsync(
                    MockKafkaRequest.Produce, 10_000, ErrorCode.NoError, ErrorCode.NoError, ErrorCode.NotEnoughReplicas);
                await Task.Delay(For);
                await kafka.ClearErrorsAsync(MockKafkaRequest.Produce);
                break;
            case KafkaFaultKind.Slow:
                await kafka.SetRoundTripAsync(null, SlowRoundTrip);
                await Task.Delay(For);
                await kafka.SetRoundTripAsync(null, TimeSpan.Zero);
                break;
            case KafkaFaultKind.LeaderMoved:
                await MoveAsync(kafka, partitions, brokers, 1);
                await Task.Delay(For);
                await MoveAsync(kafka, partitions, brokers, 2);
                break;
            case KafkaFaultKind.ReportLost:
                for (var left = For; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
                {
                    for (var broker = 1; broker <= brokers; broker++)
                    {
                        await kafka.PushAnswerAsync(broker, MockKafkaRequest.Produce, ErrorCode.NoError, LateAnswer);
                    }

                    await Task.Delay(TimeSpan.FromMilliseconds(500)); // requests are obeyed, their answers wait
                    await kafka.SetDownAsync();
                    await kafka.SetUpAsync();
                    await Task.Delay(TimeSpan.FromMilliseconds(500));
                }

                break;
            default:
                throw new InvalidOperationException($"Fault {Kind} is not known.");
        }

        progress.WriteLine($"{Kind} is over.");
    }

    private static async Task MoveAsync(MockKafkaProcess kafka, int partitions, int brokers, int by)
    {
        for (var partition = 0; partition < partitions; partition++)
        {
            await kafka.SetLeaderAsync(partition, 1 + ((partition + by) % brokers));
        }
    }
}
