using AdClick.Actors.ClickLog.Embedded;

namespace AdClick.Tests.ClickLog;

/// <summary>How much the disk still takes; null is no bound.</summary>
internal sealed class Disk
{
    public int? BytesLeft { get; set; }
}

/// <summary>Writes what the disk takes, then fails as a full disk does.</summary>
internal sealed class FaultyDevice(SegmentFiles files, Disk disk) : SegmentDevice(files)
{
    protected override void Write(int segment, long position, ReadOnlySpan<byte> bytes)
    {
        if (disk.BytesLeft is { } left && left < bytes.Length)
        {
            base.Write(segment, position, bytes[..left]);
            disk.BytesLeft = 0;
            throw new IOException("No space left on device.");
        }

        disk.BytesLeft -= bytes.Length;
        base.Write(segment, position, bytes);
    }
}
