using System.CommandLine;

namespace AdClick.Benchmarks.Kafka;

/// <summary><c>mock-kafka</c>: a mock cluster in a process of its own, which outlives a gateway that is killed.</summary>
internal static class MockKafkaCommand
{
    /// <summary>Name of the command.</summary>
    public const string Name = "mock-kafka";

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var brokers = new Option<int>("--brokers") { Description = "Number of brokers.", DefaultValueFactory = _ => 3 }.Within(1, 100);
        var topic = new Option<string>("--topic") { Description = "Topic to create.", DefaultValueFactory = _ => "adclick-clicks" };
        var partitions = new Option<int>("--partitions") { Description = "Its partitions; each keeps 5 MiB.", DefaultValueFactory = _ => 64 }
            .Within(1, 1_024);
        var replication = new Option<int?>("--replication")
        {
            Description = "Replicas that its metadata shows; by default as many as brokers, at most 3.",
        };
        var command = new Command(
            Name,
            "Serve a mock Kafka cluster until 'quit' or the end of standard input. Prints its bootstrap servers, then obeys lines: " + MockKafkaConsole.Words)
        {
            brokers, topic, partitions, replication,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var count = parsed.GetValue(brokers);
            using var cluster = new MockKafkaCluster(count);
            cluster.CreateTopic(parsed.GetValue(topic)!, parsed.GetValue(partitions), parsed.GetValue(replication) ?? Math.Min(count, 3));
            await ObeyAsync(cluster, parsed.GetValue(topic)!, cancellationToken);
            return 0;
        });
        return command;
    }

    private static async Task ObeyAsync(MockKafkaCluster cluster, string topic, CancellationToken cancellationToken)
    {
        var console = new MockKafkaConsole(cluster, topic);
        Console.WriteLine(cluster.BootstrapServers);
        while (await Task.Run(Console.In.ReadLine, cancellationToken).WaitAsync(cancellationToken) is { } line && line != "quit")
        {
            Console.WriteLine(console.Obey(line));
        }
    }
}
