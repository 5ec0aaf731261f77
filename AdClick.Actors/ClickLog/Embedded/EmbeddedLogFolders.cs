namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// The folders of an embedded log that is replaced by another one: the log itself, the next one while it is prepared, and those before, kept under their
/// epochs for whoever wants to prove a count by its raw clicks.
/// </summary>
/// <remarks>Used by one process at a time, while none of the logs is open.</remarks>
public sealed class EmbeddedLogFolders
{
    /// <summary>The folders around a log.</summary>
    /// <param name="current">Folder of the log.</param>
    public EmbeddedLogFolders(string current) => Current = Path.GetFullPath(current);

    /// <summary>Folder of the log.</summary>
    public string Current { get; }

    /// <summary>Folder of the log that is to replace it.</summary>
    public string Next => Current + "-next";

    /// <summary>The log that stands in the log's folder; null when there is none.</summary>
    /// <exception cref="ClickLogDamagedException">Its manifest can't be read.</exception>
    /// <exception cref="ClickLogMismatchException">It has another format.</exception>
    public LogIdentity? FindCurrent() => LogManifest.FindIdentity(Current);

    /// <summary>The log that is to replace it; null when there is none, or it was not made to its end.</summary>
    /// <inheritdoc cref="FindCurrent"/>
    public LogIdentity? FindNext() => LogManifest.FindIdentity(Next);

    /// <summary>Where a log of the past is kept.</summary>
    public string FormerOf(Guid epoch) => $"{Current}-{epoch:N}";

    /// <summary>Deletes the log that was to replace it.</summary>
    public void DiscardNext()
    {
        if (Directory.Exists(Next))
        {
            Directory.Delete(Next, recursive: true);
        }
    }

    /// <summary>
    /// Puts the next log in the log's place, and that one aside. Interrupted between the two, it goes on where it was when it is called again.
    /// </summary>
    public void PromoteNext()
    {
        if (FindCurrent() is { } former)
        {
            Move(Current, FormerOf(former.Epoch));
        }

        Move(Next, Current);
    }

    private static void Move(string from, string to)
    {
        Directory.Move(from, to);
        FolderSync.Sync(Path.GetDirectoryName(from)!);
    }
}
