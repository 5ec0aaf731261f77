namespace AdClick.Actors.ClickLog.Spool;

/// <summary>Consecutive clicks of one lane. Valid until the lane is read again.</summary>
/// <param name="entries">The entries, as the embedded log hands them out.</param>
internal readonly struct SpoolBatch(LogBatch entries)
{
    /// <summary>Number of clicks; 0 only at the end of an inherited lane, after which there is nothing more to come.</summary>
    public int Count => entries?.Count ?? 0;

    /// <summary>Offset after the last click: what <see cref="SpoolLane.Drained"/> takes when all are in Kafka.</summary>
    public long NextOffset => entries.NextOffset;

    /// <summary>Offset of a click in its lane; <see cref="SpoolLane.Drained"/> takes the one after it.</summary>
    public long Offset(int index) => entries[index].Offset;

    /// <summary>UTF-8 text of the ad key.</summary>
    public ReadOnlySpan<byte> Key(int index) => SpoolEntry.KeyOf(entries.Record(index));

    /// <summary>The encoded <c>LogRecord</c>.</summary>
    public ReadOnlySpan<byte> Record(int index) => SpoolEntry.RecordOf(entries.Record(index));
}
