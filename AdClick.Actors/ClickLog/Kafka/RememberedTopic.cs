using System.Text.Json;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Content of <c>kafka-topic.json</c> in the data folder: which topic this node has worked with. With it a gateway can start, and spool clicks, while
/// Kafka is away; and a topic that was deleted and made anew is found out.
/// </summary>
/// <param name="Topic">Name of the topic.</param>
/// <param name="Epoch">Its <see cref="LogIdentity.Epoch"/>.</param>
/// <param name="Partitions">Number of its partitions.</param>
public sealed record RememberedTopic(string Topic, Guid Epoch, int Partitions)
{
    private const string FileName = "kafka-topic.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Reads what a folder remembers; null when it remembers nothing.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="options">Topic and partitions that are asked for.</param>
    /// <exception cref="KafkaTopicRefusedException">
    /// It can't be read, or another topic or number of partitions is remembered than asked for.
    /// </exception>
    public static RememberedTopic? Read(string folder, KafkaOptions options)
    {
        var path = Path.Combine(folder, FileName);
        RememberedTopic? remembered;
        try
        {
            remembered = JsonSerializer.Deserialize<RememberedTopic>(File.ReadAllBytes(path), Json);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw Unreadable(path, e);
        }

        if (remembered is null || remembered.Epoch == Guid.Empty || remembered.Partitions < 1 || string.IsNullOrEmpty(remembered.Topic))
        {
            throw Unreadable(path, null);
        }

        if (remembered.Topic != options.Topic)
        {
            throw new KafkaTopicRefusedException(
                $"This node has worked with topic '{remembered.Topic}' ({path}), but AdClick:Kafka:Topic names '{options.Topic}'. " +
                "Saved counts and spooled clicks belong to the former: set it back, or point AdClick:Data to another folder.");
        }

        return remembered.Partitions == options.Partitions
            ? remembered
            : throw new KafkaTopicRefusedException(
                $"Topic '{options.Topic}' had {remembered.Partitions} partitions when this node last saw it ({path}), but AdClick:Partitions " +
                $"asks for {options.Partitions}. Set AdClick:Partitions to {remembered.Partitions}; changing the number is a procedure of its own.");
    }

    /// <summary>Remembers a topic, or confirms that it is the one that is remembered.</summary>
    /// <param name="folder">The data folder; made if need be.</param>
    /// <param name="options">Topic and partitions that are asked for.</param>
    /// <param name="identity">What Kafka says of the topic.</param>
    /// <exception cref="KafkaTopicRefusedException">Another one is remembered; the message has both.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Confirm(string folder, KafkaOptions options, LogIdentity identity)
    {
        if (Read(folder, options) is not { } remembered)
        {
            Directory.CreateDirectory(folder);
            DurableFile.Replace(Path.Combine(folder, FileName), new RememberedTopic(options.Topic, identity.Epoch, identity.Partitions), Json);
        }
        else if (remembered.Identity != identity)
        {
            throw new KafkaTopicRefusedException(
                $"Topic '{options.Topic}' is not the one that this node has worked with: Kafka's has epoch {identity.Epoch} and " +
                $"{identity.Partitions} partitions, the remembered one epoch {remembered.Epoch} and {remembered.Partitions} partitions ({Path.Combine(folder, FileName)}). " +
                "It was deleted and made anew, or AdClick:Kafka:BootstrapServers names another cluster; saved counts and spooled clicks " +
                "belong to the former. Correct the setting, or point AdClick:Data to another folder.");
        }
    }

    /// <summary>The remembered topic as a log's identity.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public LogIdentity Identity => new(Epoch, Partitions);

    private static KafkaTopicRefusedException Unreadable(string path, Exception? inner) =>
        new(
            $"{path}, which says which topic this node has worked with, can't be read. Restore it from a backup; or, with Kafka there, delete it: " +
            "it is made anew.",
            inner);
}
