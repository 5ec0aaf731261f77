using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Lake;

/// <summary>
/// A lake in a folder. A file is written to <c>_writing</c>, which engines pass over, synced, and renamed to its place; then the folders that have got a new
/// entry are synced, too.
/// </summary>
public sealed class FolderLake : ILakeStorage
{
    private const string Unfinished = "_writing";

    private readonly string _root;

    /// <summary>A lake in this folder; it is made when the first file comes.</summary>
    public FolderLake(string folder) => _root = Path.GetFullPath(folder);

    /// <inheritdoc/>
    public string Place => _root;

    /// <summary>Path of a file.</summary>
    public string PathOf(string name) => Path.Combine(_root, name);

    /// <inheritdoc/>
    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => RunAsync(
        () =>
        {
            var final = PathOf(name);
            var temporary = Path.Combine(_root, Unfinished, Path.GetFileName(name));
            CreateFolder(Path.GetDirectoryName(temporary)!);
            CreateFolder(Path.GetDirectoryName(final)!);
            try
            {
                using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
                {
                    file.Write(content.Span);
                    file.Flush(flushToDisk: true);
                }

                File.Move(temporary, final, overwrite: false);
                FolderSync.Sync(Path.GetDirectoryName(final)!);
            }
            catch (IOException)
            {
                TryDelete(temporary);
                throw;
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken)
    {
        Stream? stream = null;
        await RunAsync(
            () =>
            {
                try
                {
                    stream = new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 64 * 1024, useAsync: true);
                }
                catch (DirectoryNotFoundException e)
                {
                    throw new FileNotFoundException(e.Message, name, e);
                }
            },
            cancellationToken).ConfigureAwait(false);
        return stream!;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> names = [];
        await RunAsync(
            () => names = Directory.Exists(_root)
                ? [.. Directory.EnumerateFiles(_root, prefix + "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_root, path).Replace('\\', '/'))]
                : [],
            cancellationToken).ConfigureAwait(false);
        return names;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => RunAsync(
        () =>
        {
            try
            {
                File.Delete(PathOf(name));
            }
            catch (DirectoryNotFoundException)
            {
                // Then the file is not there either.
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public string FindLocalPath(string name) => PathOf(name);

    // The calls block; a disk that hangs must not hold a thread of the pool that heartbeats need.
    private static async Task RunAsync(Action work, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start of the partition's archive tries again.
        }
    }

    // Each new folder is an entry of the one above it.
    private static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var above = Path.GetDirectoryName(folder)!;
        CreateFolder(above);
        Directory.CreateDirectory(folder);
        FolderSync.Sync(above);
    }
}
