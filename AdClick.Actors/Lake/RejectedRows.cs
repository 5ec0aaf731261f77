using Parquet.Schema;

namespace AdClick.Actors.Lake;

/// <summary>Records of one hour that can't be counted, on their way into a file.</summary>
internal sealed class RejectedRows(string log, int partition)
{
    private static readonly DataField LogField = new DataField<string>("log", nullable: false);
    private static readonly DataField PartitionField = new DataField<int>("partition");
    private static readonly DataField OffsetField = new DataField<long>("offset");
    private static readonly DataField AppendTimeField = ParquetFiles.Time("append_time");
    private static readonly DataField ReasonField = new DataField<string>("reason", nullable: false);
    private static readonly DataField RecordField = new DataField<byte[]>("record", nullable: false);
    private static readonly ParquetSchema Schema = new(LogField, PartitionField, OffsetField, AppendTimeField, ReasonField, RecordField);

    private readonly Column<long> _offsets = new();
    private readonly Column<DateTime> _appendTimes = new();
    private readonly Column<string> _reasons = new();
    private readonly Column<byte[]> _records = new();

    /// <summary>Number of records.</summary>
    public int Count => _offsets.Count;

    /// <summary>Adds a record.</summary>
    public void Add(long offset, long appendTimeMs, string reason, byte[] record)
    {
        _offsets.Add(offset);
        _appendTimes.Add(DateTime.UnixEpoch.AddMilliseconds(appendTimeMs));
        _reasons.Add(reason);
        _records.Add(record);
    }

    /// <summary>The file.</summary>
    public Task<ReadOnlyMemory<byte>> ToParquetAsync() => ParquetFiles.WriteAsync(Schema, async rows =>
    {
        await rows.WriteAsync(LogField, (string[])[.. Enumerable.Repeat(log, Count)]).ConfigureAwait(false);
        await rows.WriteAsync<int>(PartitionField, Enumerable.Repeat(partition, Count).ToArray()).ConfigureAwait(false);
        await rows.WriteAsync(OffsetField, _offsets.Values).ConfigureAwait(false);
        await rows.WriteAsync(AppendTimeField, _appendTimes.Values).ConfigureAwait(false);
        await rows.WriteAsync(ReasonField, _reasons.List).ConfigureAwait(false);
        await rows.WriteAsync(RecordField, _records.List).ConfigureAwait(false);
    });
}
