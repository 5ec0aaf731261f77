using FASTER.core;
using Microsoft.Win32.SafeHandles;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// FasterLog's way to the disk. Writes on the caller's thread, the partition's committer, and returns when the bytes are on disk. FasterLog's own
/// device for Linux writes on the thread pool: with eight partitions on two cores its blocking writes take the threads that the rest of the process
/// needs; it reduces an error to a number without a file name; and it goes on writing later pages after an earlier one failed. This one refuses
/// everything after its first failure.
/// </summary>
internal class SegmentDevice : StorageDeviceBase
{
    // The unit of a disk's atomic write. A commit that ends within a sector is followed by one that writes that sector again, the same bytes first.
    private const int SectorBytes = 512;

    private readonly SegmentFiles _files;
    private SafeFileHandle? _handle;
    private int _segment = -1;

    /// <summary>A device for the segments of a partition.</summary>
    public SegmentDevice(SegmentFiles files)
        : base(files.Folder, SectorBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _files = files;
    }

    /// <summary>The first failure, with the file that it happened to.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public override unsafe void WriteAsync(
        nint sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite, DeviceIOCompletionCallback callback, object context)
    {
        if (TryWrite(segmentId, (long)destinationAddress, new ReadOnlySpan<byte>((void*)sourceAddress, (int)numBytesToWrite)))
        {
            callback(0, numBytesToWrite, context);
        }
        else
        {
            callback(uint.MaxValue, 0, context);
        }
    }

    /// <summary>Writes at a position of a segment, unless a write failed before.</summary>
    public bool TryWrite(int segment, long position, ReadOnlySpan<byte> bytes)
    {
        if (Failure is not null)
        {
            return false;
        }

        try
        {
            Write(segment, position, bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failure = e;
            return false;
        }
    }

    /// <inheritdoc/>
    public override void ReadAsync(
        int segmentId, ulong sourceAddress, nint destinationAddress, uint readLength, DeviceIOCompletionCallback callback, object context) =>
        throw new NotSupportedException("The log's readers read the segment files themselves.");

    /// <inheritdoc/>
    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) =>
        throw new NotSupportedException("The log deletes its segment files itself.");

    /// <inheritdoc/>
    public override void Dispose()
    {
        _handle?.Dispose();
        _handle = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes and returns when the bytes are on disk.</summary>
    protected virtual void Write(int segment, long position, ReadOnlySpan<byte> bytes)
    {
        if (segment != _segment || _handle is null)
        {
            _handle?.Dispose();
            _handle = _files.OpenToWrite(segment);
            _segment = segment;
        }

        RandomAccess.Write(_handle, bytes, position);
    }
}
