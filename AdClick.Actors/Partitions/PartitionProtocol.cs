using Akka.Actor;

namespace AdClick.Actors.Partitions;

/// <summary>What partitions keep in the journal or receive from other nodes: serialized by <see cref="PartitionSerializer"/>.</summary>
public interface IPartitionMessage { }

/// <summary>What is asked of a partition from outside.</summary>
public static class PartitionCommands
{
    /// <summary>Be running. Sent to every partition again and again, because sharding starts an entity only for a message.</summary>
    /// <param name="Partition">The partition.</param>
    public sealed record WakeUp(int Partition) : IPartitionMessage;

    /// <summary>
    /// Sharding's stop message: read no further, finish what was read, checkpoint and stop. Sent within a node only.
    /// </summary>
    public sealed class HandOff : INoSerializationVerificationNeeded
    {
        /// <summary>The message.</summary>
        public static readonly HandOff Instance = new();

        private HandOff() { }
    }
}

public sealed partial class PartitionDelta : IPartitionMessage;

public sealed partial class CheckpointReached : IPartitionMessage;

public sealed partial class PartitionSnapshot : IPartitionMessage;

public sealed partial class NodeReport : IPartitionMessage;

/// <summary>What an operator wants of a partition.</summary>
public sealed partial class PartitionOrder : IPartitionMessage;

/// <summary>What became of a <see cref="PartitionOrder"/>.</summary>
public sealed partial class PartitionAnswer : IPartitionMessage;
