namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>The log is sound, but not the one that was asked for.</summary>
public sealed class ClickLogMismatchException : InvalidOperationException
{
    /// <summary>Says what was asked for, what is there, and what to do.</summary>
    public ClickLogMismatchException(string message) : base(message) { }
}
