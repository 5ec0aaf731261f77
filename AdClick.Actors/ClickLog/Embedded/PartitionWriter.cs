using FASTER.core;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// A FasterLog that continues a partition from a tail. Used by one thread: with a device that writes on the spot, FasterLog then does everything on
/// it, and a group is on disk when its commit call returns.
/// </summary>
internal sealed class PartitionWriter : IDisposable
{
    // The page being filled, and the one before it while it is written.
    private const int PagesInMemory = 2;
    private const int ProbeBytes = 64 * 1024;

    private readonly SegmentDevice _device;
    private readonly FasterLogSettings _settings;
    private readonly FasterLog _log;

    private PartitionWriter(SegmentDevice device, LogLayout layout, long begin, long start)
    {
        _device = device;
        _settings = new FasterLogSettings
        {
            LogDevice = device,
            PageSize = layout.PageBytes,
            MemorySize = PagesInMemory * (long)layout.PageBytes,
            SegmentSize = layout.SegmentBytes,
            LogChecksum = LogChecksumType.None,
            LogCommitManager = new NoCommitFiles(),
            TryRecoverLatest = false,
        };
        _log = new FasterLog(_settings);
        _log.Initialize(begin, start);
    }

    /// <summary>
    /// Cuts off what is behind the tail and goes on at the next page. FasterLog starts with empty memory: within a half-filled page it would
    /// overwrite the durable records of the first sector with zeros. The rest of the page is a hole in the file and takes no space.
    /// </summary>
    /// <param name="files">The partition's files.</param>
    /// <param name="deviceFactory">Makes the device.</param>
    /// <param name="tail">Up to where the partition is durable.</param>
    /// <param name="probe">Whether to find out first, by writing, that there is room again.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public static PartitionWriter Open(SegmentFiles files, Func<SegmentFiles, SegmentDevice> deviceFactory, LogTail tail, bool probe)
    {
        files.CutAt(tail.Address);
        var layout = files.Layout;
        var start = tail.Address == LogLayout.FirstAddress ? tail.Address : layout.RoundUpToPage(tail.Address);
        var device = deviceFactory(files);
        try
        {
            if (probe)
            {
                var zeros = new byte[Math.Min(ProbeBytes, layout.PageBytes)];
                if (!device.TryWrite(layout.SegmentOf(start), layout.PositionOf(layout.PageStart(start)), zeros))
                {
                    throw new IOException(device.Failure!.Message, device.Failure);
                }
            }

            return new PartitionWriter(device, layout, layout.PageStart(tail.Address - 1), start);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Writes a group; returns when it is on disk.</summary>
    /// <param name="group">Records; their headers are filled in here.</param>
    /// <param name="tail">Where the partition ends.</param>
    /// <param name="nowMs">Time now, Unix ms.</param>
    /// <returns>Where it ends then.</returns>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public LogTail Write(AppendGroup group, LogTail tail, long nowMs)
    {
        var appendTimeMs = Math.Max(nowMs, tail.AppendTimeMs);
        var offset = tail.Offset;
        for (int position = 0, place = 0; position < group.Bytes; place++)
        {
            var entry = group.EntryAt(position, out position);
            RecordFormat.Seal(entry, offset++, appendTimeMs, (uint)place);
            while (!_log.TryEnqueue(entry, out _))
            {
                ThrowIfFailed();
                Thread.Yield();
            }
        }

        var end = _log.TailAddress;
        _log.Commit();

        // FasterLog flushes within the call. If a version of it should not, waiting keeps "acknowledged" meaning "on disk".
        while (_log.FlushedUntilAddress < end)
        {
            ThrowIfFailed();
            Thread.Sleep(0);
        }

        return new LogTail(end, offset, appendTimeMs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _log.Dispose();
        _settings.Dispose();
        _device.Dispose();
    }

    private void ThrowIfFailed()
    {
        if (_device.Failure is { } failure)
        {
            throw new IOException(failure.Message, failure);
        }
    }
}
