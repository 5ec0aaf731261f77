namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>The topic is there, but clicks can't be trusted to it; or it is not there and must not be made. A person has to decide.</summary>
public sealed class KafkaTopicRefusedException : InvalidOperationException
{
    /// <summary>Says what was found, what is needed, and what to do. Holds no secret.</summary>
    public KafkaTopicRefusedException(string message, Exception? inner = null) : base(message, inner) { }
}
