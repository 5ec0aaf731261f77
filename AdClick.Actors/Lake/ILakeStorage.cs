namespace AdClick.Actors.Lake;

/// <summary>Where the files of the lake are: a folder, or a bucket. Names are paths below it, with slashes.</summary>
public interface ILakeStorage
{
    /// <summary>What to call it in messages.</summary>
    string Place { get; }

    /// <summary>Puts a file there. It is there whole or not at all, and when the task ends it stays, whatever fails then.</summary>
    /// <exception cref="IOException">It can't be written now.</exception>
    Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Opens a finished file for reading from its begin. Whether the stream can seek depends on the storage.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It can't be read now.</exception>
    Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Names of the files, finished and unfinished ones, whose last part begins like this.</summary>
    /// <exception cref="IOException">It can't be read now.</exception>
    Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Removes a file; one that is not there is removed already.</summary>
    /// <exception cref="IOException">It can't be removed now.</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Path under which this machine can open the file itself; null when it has to be fetched.</summary>
    string? FindLocalPath(string name) => null;
}
