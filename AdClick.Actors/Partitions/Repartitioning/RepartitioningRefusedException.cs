namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>The partitions can't be changed as things are. The log before is the log still.</summary>
public sealed class RepartitioningRefusedException : InvalidOperationException
{
    /// <summary>Says what was found and what to do.</summary>
    public RepartitioningRefusedException(string message, Exception? inner = null) : base(message, inner) { }
}
