using AdClick.Actors.ClickLog.Embedded;
using Xunit;

namespace AdClick.Tests.ClickLog;

public sealed class SegmentDeviceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void After_a_failed_write_nothing_more_is_written()
    {
        var files = new SegmentFiles(_folder.Path, 0, new LogLayout(EmbeddedLogFixture.PageBytes, EmbeddedLogFixture.SegmentBytes));
        files.Create();
        using var device = new FailsOnce(files);

        Assert.False(device.TryWrite(0, 0, new byte[512]));
        Assert.False(device.TryWrite(0, 512, new byte[512]));
        Assert.Equal(0, files.LengthOf(0));
        Assert.IsType<IOException>(device.Failure);
    }

    private sealed class FailsOnce(SegmentFiles files) : SegmentDevice(files)
    {
        private bool _hasFailed;

        protected override void Write(int segment, long position, ReadOnlySpan<byte> bytes)
        {
            if (!_hasFailed)
            {
                _hasFailed = true;
                throw new IOException("Broken.");
            }

            base.Write(segment, position, bytes);
        }
    }
}
