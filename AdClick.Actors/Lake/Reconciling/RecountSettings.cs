namespace AdClick.Actors.Lake.Reconciling;

/// <summary>What a re-count may take.</summary>
public sealed record RecountSettings
{
    /// <summary>
    /// How far back from the hours in question clicks are read: as long as an impression is remembered. Impression lifetime plus allowed lateness; longer for a while
    /// after either was shortened. Default 25 h.
    /// </summary>
    public TimeSpan ReadBack { get; init; } = TimeSpan.FromHours(25);

    /// <summary>Bytes of memory that DuckDB takes; what does not fit goes to temporary files. Default 1 GiB.</summary>
    public long MemoryLimit { get; init; } = 1024L * 1024 * 1024;

    /// <summary>Processors that DuckDB uses. Default 2.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Folder for temporary files, which must exist; each run has a folder of its own in it, and removes it. Default: the system's.</summary>
    public string TemporaryFolder { get; init; } = Path.GetTempPath();
}
