using Confluent.Kafka;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What an error of Kafka's says about the records that come after.</summary>
internal static class DeliveryError
{
    /// <summary>
    /// Whether the error concerns just this record. Such a record waits in the spool, where a person finds it, but the partition takes others.
    /// </summary>
    public static bool IsAboutRecord(ErrorCode code) =>
        code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidRecord;

    /// <summary>
    /// Whether the client's queue is full: that says nothing about the partition, since all share the queue, and the next record may fit.
    /// </summary>
    public static bool IsQueueFull(ErrorCode code) => code == ErrorCode.Local_QueueFull;

    /// <summary>Whether the producer can't be used any more.</summary>
    public static bool IsFatal(Error error) => error.IsFatal || error.Code == ErrorCode.Local_Fatal;
}
