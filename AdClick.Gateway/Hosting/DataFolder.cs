namespace AdClick.Gateway.Hosting;

/// <summary>
/// The folder that holds everything a node keeps: click log, databases, generated keys. One process at a time serves from it.
/// </summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileStream _lock;

    private DataFolder(string path, FileStream fileLock)
    {
        Path = path;
        _lock = fileLock;
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Folder of the embedded click log.</summary>
    public string ClickLog => System.IO.Path.Combine(Path, "log");

    /// <summary>SQLite file of counts, progress, catalogue and API keys.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.db");

    /// <summary>SQLite file of the partitions' journals.</summary>
    public string Journal => System.IO.Path.Combine(Path, "journal.db");

    /// <summary>SQLite file of the partitions' snapshots.</summary>
    public string Snapshots => System.IO.Path.Combine(Path, "snapshots.db");

    /// <summary>Creates the folder if need be and keeps other processes out until it is disposed.</summary>
    /// <exception cref="StartupException">It can't be written, or another process serves from it.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {path} can't be created: {e.Message} Set AdClick:Data to a folder that this user may write.", e);
        }

        var lockFile = System.IO.Path.Combine(path, "lock");
        try
        {
            // The system lets go of the lock when the process dies, however it dies.
            return new DataFolder(path, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartupException($"The data folder {path} can't be written: {e.Message} Set AdClick:Data to a folder that this user may write.", e);
        }
        catch (IOException e) when (File.Exists(lockFile) && !IsReadOnly(e))
        {
            throw new StartupException($"Another process serves from the data folder {path}. Stop it, or set AdClick:Data to another folder.", e);
        }
        catch (IOException e)
        {
            throw new StartupException($"The data folder {path} can't be written: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static bool IsReadOnly(IOException e) => e.Message.Contains("read-only", StringComparison.OrdinalIgnoreCase);
}
