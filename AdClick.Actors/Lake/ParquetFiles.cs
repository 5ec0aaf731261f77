using System.IO.Compression;
using Parquet;
using Parquet.Schema;

namespace AdClick.Actors.Lake;

/// <summary>What all Parquet files of the lake have in common.</summary>
internal static class ParquetFiles
{
    // Its default level took 20 times as long for a few per cent.
    private static readonly ParquetOptions Options = new() { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = CompressionLevel.Fastest };

    /// <summary>A column of times in milliseconds.</summary>
    public static DataField Time(string name) =>
        new DateTimeDataField(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Millis, isNullable: false);

    /// <summary>A file of one row group.</summary>
    /// <param name="schema">Its columns.</param>
    /// <param name="write">Writes each of them, in order.</param>
    public static async Task<ReadOnlyMemory<byte>> WriteAsync(ParquetSchema schema, Func<ParquetRowGroupWriter, Task> write)
    {
        var stream = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(schema, stream, Options).ConfigureAwait(false))
        {
            using var rows = writer.CreateRowGroup();
            await write(rows).ConfigureAwait(false);
            rows.CompleteValidate();
        }

        return stream.GetBuffer().AsMemory(0, (int)stream.Length);
    }
}
