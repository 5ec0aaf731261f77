namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>Up to where a partition is durable.</summary>
/// <param name="Address">Address after the last record.</param>
/// <param name="Offset">Offset of the record to come.</param>
/// <param name="AppendTimeMs">Append time of the last record, Unix ms; 0 while there is none.</param>
internal sealed record LogTail(long Address, long Offset, long AppendTimeMs);
