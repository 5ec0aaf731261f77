using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.Lake;

/// <summary>What the archivers of a node share.</summary>
/// <param name="Log">The click log.</param>
/// <param name="Store">Progress and file names.</param>
/// <param name="Storage">The files.</param>
/// <param name="Settings">When cuts are made.</param>
/// <param name="Time">Clock.</param>
/// <param name="Logger">Logger.</param>
internal sealed record ArchiveParts(
    IClickLog Log, IArchiveStore Store, ILakeStorage Storage, LakeSettings Settings, TimeProvider Time, ILogger Logger);

/// <summary>How far a partition's archive is, for whoever looks.</summary>
/// <param name="tell">Is called after each change.</param>
internal sealed class ArchiveState(Action tell)
{
    private long _archivedOffset;
    private volatile string? _fault;
    private volatile bool _isDraining;

    /// <summary>Everything below is in the lake. 0 until the store has said more.</summary>
    public long ArchivedOffset
    {
        get => Volatile.Read(ref _archivedOffset);
        set
        {
            if (Interlocked.Exchange(ref _archivedOffset, value) != value)
            {
                tell();
            }
        }
    }

    /// <summary>Why it waits, in a sentence; null when all is well.</summary>
    public string? Fault
    {
        get => _fault;
        set
        {
            _fault = value;
            tell();
        }
    }

    /// <summary>Whether nothing is to wait for company.</summary>
    public bool IsDraining
    {
        get => _isDraining;
        set => _isDraining = value;
    }
}
