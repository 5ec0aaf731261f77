using Microsoft.Win32.SafeHandles;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>Reads bytes by address; keeps the segment that it read last open. One thread at a time uses it.</summary>
internal sealed class SegmentReader(SegmentFiles files) : IDisposable
{
    private SafeFileHandle? _handle;
    private int _segment = -1;

    /// <summary>
    /// Fills the buffer from an address on, within one segment. What lies after the end of the file reads as zeros, as it does in a hole.
    /// </summary>
    /// <exception cref="FileNotFoundException">The segment isn't there.</exception>
    public void Read(long address, Span<byte> buffer)
    {
        var segment = files.Layout.SegmentOf(address);
        if (segment != _segment)
        {
            Dispose();
            _handle = files.OpenToRead(segment);
            _segment = segment;
        }

        var position = files.Layout.PositionOf(address);
        while (buffer.Length > 0)
        {
            var read = RandomAccess.Read(_handle!, buffer, position);
            if (read == 0)
            {
                buffer.Clear();
                return;
            }

            position += read;
            buffer = buffer[read..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle?.Dispose();
        _handle = null;
        _segment = -1;
    }
}
