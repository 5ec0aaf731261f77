namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// Finds where a partition begins and ends by looking at its files, reading little more than the last commit group.
/// </summary>
/// <remarks>
/// A group is written only after the one before it is durable. So whatever a crash or a power cut leaves half-written belongs to the last group, and
/// each record says how many records were durable before its group (<see cref="RecordCursor.DurableBefore"/>). A hole at X is a torn tail, to be cut,
/// if no later record knows X to be durable; else acknowledged clicks are gone, and that is damage.
/// </remarks>
internal sealed class PartitionRecovery : IDisposable
{
    private readonly SegmentFiles _files;
    private readonly PageIndex _pages;
    private readonly long _maxTornBytes;

    private PartitionRecovery(SegmentFiles files, long maxTornBytes)
    {
        _files = files;
        _pages = new PageIndex(files);
        _maxTornBytes = maxTornBytes;
    }

    /// <summary>What was found.</summary>
    /// <param name="FirstSegment">Lowest segment.</param>
    /// <param name="Begin">First offset that is there.</param>
    /// <param name="Tail">End of what is there.</param>
    public sealed record Found(int FirstSegment, long Begin, LogTail Tail);

    /// <summary>Looks at the files; changes nothing.</summary>
    /// <param name="files">The partition's files.</param>
    /// <param name="maxTornBytes">Most bytes that a torn group can leave; more than that can't be explained by a crash.</param>
    /// <exception cref="ClickLogDamagedException">Records that were durable are gone.</exception>
    public static Found Run(SegmentFiles files, long maxTornBytes)
    {
        using var recovery = new PartitionRecovery(files, maxTornBytes);
        return recovery.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _pages.Dispose();

    private Found Run()
    {
        var segments = _files.List();
        var layout = _files.Layout;
        var begin = layout.StartOf(segments[0]);
        var fileEnd = layout.StartOf(segments[^1]) + _files.LengthOf(segments[^1]);
        var lastPage = fileEnd > begin ? layout.PageStart(fileEnd - 1) : begin;
        if (_pages.ReadableAtOrBelow(lastPage, begin, out var last) is not { } page)
        {
            // No page begins with a record: an empty log, or one whose very first group is torn. A log that was truncated keeps at least one record.
            return segments[0] == 0
                ? new Found(0, 0, ScanTail(0, 0, fileEnd))
                : throw new ClickLogDamagedException(
                    $"Partition {_files.Partition} of the click log is damaged: no record can be read in {_files.PathOf(segments[0])} and after. " +
                    "Stop the node, restore these segment files from a backup, and start again.");
        }

        if (!_pages.TryReadFirst(begin, out var first))
        {
            throw new ClickLogDamagedException(
                $"Partition {_files.Partition} of the click log is damaged: its first record, at {_files.PlaceOf(LogLayout.FirstRecordOf(begin))}, can't be read, " +
                $"so it is unknown where the log begins; later records, up to offset {last.Offset} at least, are there. " +
                "Stop the node, restore this segment file from a backup, and start again.");
        }

        // Back to the page where the last group begins: its records are the ones that may be torn.
        var durable = last.DurableBefore;
        while (page > begin && last.Offset > durable)
        {
            page = _pages.ReadableAtOrBelow(page - layout.PageBytes, begin, out last)!.Value;
        }

        return new Found(segments[0], first.Offset, ScanTail(page, last.Offset, fileEnd));
    }

    private LogTail ScanTail(long page, long expected, long fileEnd)
    {
        using var cursor = new RecordCursor(_files, LogLayout.FirstRecordOf(page));
        var tail = new LogTail(cursor.Address, expected, 0);
        var step = cursor.Next(fileEnd);
        while (step == CursorStep.Record && cursor.Offset == tail.Offset)
        {
            tail = new LogTail(cursor.Address, cursor.Offset + 1, cursor.AppendTimeMs);
            step = cursor.Next(fileEnd);
        }

        var isRecord = step == CursorStep.Record || (step == CursorStep.Unreadable && cursor.FindNext(fileEnd));
        while (isRecord)
        {
            if (cursor.DurableBefore > tail.Offset || cursor.Offset < tail.Offset)
            {
                throw DamagedLog.Missing(_files, tail.Address, tail.Offset, Math.Max(cursor.Offset, tail.Offset + 1));
            }

            step = cursor.Next(fileEnd);
            isRecord = step == CursorStep.Record || (step == CursorStep.Unreadable && cursor.FindNext(fileEnd));
        }

        if (fileEnd - tail.Address > _maxTornBytes)
        {
            throw new ClickLogDamagedException(
                $"Partition {_files.Partition} of the click log is damaged: {fileEnd - tail.Address} bytes from {_files.PlaceOf(tail.Address)} on " +
                $"hold no readable record after offset {tail.Offset - 1}; a write that a crash tore is at most {_maxTornBytes} bytes. " +
                "Stop the node, restore this segment file from a backup, and start again.");
        }

        return tail;
    }
}
