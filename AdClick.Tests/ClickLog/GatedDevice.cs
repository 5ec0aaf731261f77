using AdClick.Actors.ClickLog.Embedded;

namespace AdClick.Tests.ClickLog;

/// <summary>Holds back every write until the gate opens; says when one has come.</summary>
internal sealed class GatedDevice(SegmentFiles files, ManualResetEventSlim writing, ManualResetEventSlim gate) : SegmentDevice(files)
{
    protected override void Write(int segment, long position, ReadOnlySpan<byte> bytes)
    {
        writing.Set();
        gate.Wait();
        base.Write(segment, position, bytes);
    }
}
