namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>Words for what is missing.</summary>
internal static class DamagedLog
{
    /// <summary>Records that were durable and are gone.</summary>
    /// <param name="files">The partition's files.</param>
    /// <param name="address">Where they should be.</param>
    /// <param name="from">First missing offset.</param>
    /// <param name="until">Offset after the last missing one.</param>
    /// <param name="inner">What failed, if something did.</param>
    public static ClickLogDamagedException Missing(SegmentFiles files, long address, long from, long until, Exception? inner = null) => new(
        $"Partition {files.Partition} of the click log is damaged: offsets {from} to {until - 1} are missing or unreadable " +
        $"at {files.PlaceOf(address)}. Nothing was skipped and the other segments are untouched. Stop the node, restore this segment file from a backup, and start again.",
        inner)
    {
        Missing = new LogRange(from, until),
    };
}
