using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>Finds files of the lake that are not what was written, and gives those that are a path that DuckDB can open.</summary>
/// <param name="storage">The lake.</param>
/// <param name="folder">A folder for files that have to be fetched.</param>
internal sealed class LakeFileCheck(ILakeStorage storage, string folder)
{
    private const int AtOnce = 2;
    private const int BufferBytes = 256 * 1024;

    /// <summary>Reads every file from begin to end.</summary>
    /// <exception cref="IOException">The lake can't be read now.</exception>
    public async Task<IReadOnlyDictionary<string, CheckedFile>> CheckAsync(IEnumerable<LakeFile> files, CancellationToken cancellationToken)
    {
        var found = new System.Collections.Concurrent.ConcurrentDictionary<string, CheckedFile>(StringComparer.Ordinal);
        await Parallel.ForEachAsync(
            files, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (file, token) => found[file.Name] = await CheckAsync(file, token).ConfigureAwait(false)).ConfigureAwait(false);
        return found;
    }

    private async Task<CheckedFile> CheckAsync(LakeFile file, CancellationToken cancellationToken)
    {
        var local = storage.FindLocalPath(file.Name);
        var path = local ?? Path.Combine(folder, Path.GetFileName(file.Name));
        try
        {
            var (bytes, hash) = await ReadAsync(file.Name, local is null ? path : null, cancellationToken).ConfigureAwait(false);
            return new CheckedFile(file, path, Compare(file, bytes, hash));
        }
        catch (FileNotFoundException)
        {
            return new CheckedFile(file, path, "is missing");
        }
    }

    private static string Compare(LakeFile file, long bytes, byte[] hash) =>
        bytes < file.Bytes ? string.Create(CultureInfo.InvariantCulture, $"is truncated: it has {bytes} of its {file.Bytes} bytes")
        : bytes > file.Bytes ? string.Create(CultureInfo.InvariantCulture, $"is altered: it has {bytes} bytes in place of {file.Bytes}")
        : hash.AsSpan().SequenceEqual(file.Sha256) ? ""
        : $"is altered: its SHA-256 is {Convert.ToHexStringLower(hash)} in place of {Convert.ToHexStringLower(file.Sha256)}";

    private async Task<(long Bytes, byte[] Hash)> ReadAsync(string name, string? copyTo, CancellationToken cancellationToken)
    {
        var source = await storage.OpenReadAsync(name, cancellationToken).ConfigureAwait(false);
        await using var _ = source.ConfigureAwait(false);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var copy = copyTo is null ? null : new FileStream(copyTo, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long bytes = 0;
            int read;
            while ((read = await source.ReadAsync(buffer.AsMemory(0, BufferBytes), cancellationToken).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                bytes += read;
                if (copy is not null)
                {
                    await copy.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                }
            }

            return (bytes, hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (copy is not null)
            {
                await copy.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}

/// <summary>A file that was read.</summary>
/// <param name="File">What was written.</param>
/// <param name="Path">Where it can be opened.</param>
/// <param name="Problem">What is wrong with it; empty when nothing is.</param>
internal sealed record CheckedFile(LakeFile File, string Path, string Problem);
