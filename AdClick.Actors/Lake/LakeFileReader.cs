using System.Security.Cryptography;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake;

/// <summary>Reads files of the lake, and believes only those that are as they were written. One at a time; its buffer is used again.</summary>
/// <param name="storage">The files.</param>
internal sealed class LakeFileReader(ILakeStorage storage)
{
    private const int KeptBytes = 64 * 1024 * 1024;

    private byte[] _buffer = [];

    /// <summary>Reads a file.</summary>
    /// <param name="file">The file, as the store knows it.</param>
    /// <param name="read">Reads its content, a stream that can seek.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="InvalidDataException">It has other bytes than were written.</exception>
    /// <exception cref="IOException">It can't be read now.</exception>
    public async Task<T> ReadAsync<T>(LakeFile file, Func<Stream, Task<T>> read, CancellationToken cancellationToken)
    {
        var length = checked((int)file.Bytes);
        if (_buffer.Length < length || _buffer.Length > Math.Max(length, KeptBytes))
        {
            _buffer = GC.AllocateUninitializedArray<byte>(length);
        }

        var content = await storage.OpenReadAsync(file.Name, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            var found = await content.ReadAtLeastAsync(_buffer.AsMemory(0, length), length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (found < length || await content.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) > 0)
            {
                throw new InvalidDataException(found < length ? $"It has {found} of the {length} bytes that were written." : $"It has more than the {length} bytes that were written.");
            }
        }

        if (!SHA256.HashData(_buffer.AsSpan(0, length)).AsSpan().SequenceEqual(file.Sha256))
        {
            throw new InvalidDataException("Its SHA-256 is another than when it was written.");
        }

        using var stream = new MemoryStream(_buffer, 0, length, writable: false);
        return await read(stream).ConfigureAwait(false);
    }
}
