using System.Globalization;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using DuckDB.NET.Data;
using Google.Protobuf;

namespace AdClick.Tests.Lake;

/// <summary>A click as the lake must hold it, in numbers that DuckDB gives back.</summary>
internal sealed record LakeClick(
    int Partition, long Offset, long AppendMs, long EffectiveMs, long ClockMs, long Nonce, string AdId, int SubShard, string Impression, long ExpiresMs, long ClickMs,
    string Verdict, string Hour);

/// <summary>Reads a lake as its users do: with DuckDB, and nothing of the product.</summary>
internal static class LakeReader
{
    /// <summary>All clicks of a lake, by partition and offset.</summary>
    public static List<LakeClick> Clicks(string lake) => Read(
        lake,
        "clicks",
        """
        SELECT partition, "offset", epoch_ms(append_time), epoch_ms(effective_time), epoch_ms(clock), nonce, ad_id, sub_shard, impression_id,
            epoch_ms(expires_at), epoch_ms(click_time), verdict, strftime(CAST(date AS DATE), '%Y-%m-%d') || 'T' || lpad(CAST(hour AS VARCHAR), 2, '0')
        FROM {0} ORDER BY partition, "offset"
        """,
        row => new LakeClick(
            row.GetInt32(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetString(6), row.GetInt32(7), row.GetString(8),
            row.GetInt64(9), row.GetInt64(10), row.GetString(11), row.GetString(12)));

    /// <summary>Partition and offset of all rejected records, in this order.</summary>
    public static List<(int Partition, long Offset)> Rejected(string lake) => Read(
        lake, "rejected", "SELECT partition, \"offset\" FROM {0} WHERE octet_length(record) >= 0 ORDER BY ALL", row => (row.GetInt32(0), row.GetInt64(1)));

    /// <summary>Rows of a question about files of a kind, which stand for <c>{0}</c>; none without files.</summary>
    public static List<T> Read<T>(string lake, string kind, string sql, Func<DuckDBDataReader, T> read)
    {
        var rows = new List<T>();
        var folder = Path.Combine(lake, kind);
        if (!Directory.Exists(folder) || !Directory.EnumerateFiles(folder, "*.parquet", SearchOption.AllDirectories).Any())
        {
            return rows;
        }

        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = string.Format(CultureInfo.InvariantCulture, sql, $"read_parquet('{lake}/{kind}/**/*.parquet', hive_partitioning = true)");
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>What the lake must hold of a log below some offsets, by the words of DESIGN and the generated parser.</summary>
    public static async Task<(List<LakeClick> Clicks, List<(int Partition, long Offset)> Rejected)> ExpectAsync(IClickLog log, Func<int, long> endOf)
    {
        var clicks = new List<LakeClick>();
        var rejected = new List<(int, long)>();
        for (var partition = 0; partition < log.Identity.Partitions; partition++)
        {
            var (offset, end, clock) = (log.RangeOf(partition).Begin, endOf(partition), 0L);
            using var reader = log.OpenReader(partition, offset);
            while (offset < end)
            {
                var batch = await reader.ReadAsync((int)Math.Min(end - offset, 1000), CancellationToken.None);
                offset = batch.NextOffset;
                for (var i = 0; i < batch.Count; i++)
                {
                    var time = Add(batch[i].Offset, batch[i].AppendTimeMs, batch.Record(i).ToArray());
                    clock = Math.Max(clock, time);
                }
            }

            long Add(long at, long appendMs, byte[] bytes)
            {
                LogRecord record;
                try
                {
                    record = LogRecord.Parser.ParseFrom(bytes);
                }
                catch (InvalidProtocolBufferException)
                {
                    record = new LogRecord();
                }

                if (record.Mark is { } mark)
                {
                    return Math.Min(mark.TimeMs, appendMs);
                }

                if (record.Click is not { } click || new AdKey(click.AdId, (int)click.SubShard).Partition(log.Identity.Partitions) != partition)
                {
                    rejected.Add((partition, at));
                    return 0;
                }

                var effective = Math.Min(click.ClickTimeMs, appendMs);
                clicks.Add(new LakeClick(
                    partition, at, appendMs, effective, clock, (long)click.Nonce, click.AdId, (int)click.SubShard,
                    new ImpressionId(click.ImpressionHigh, click.ImpressionLow).ToString(), click.ExpiresAtMs, click.ClickTimeMs,
                    click.Verdict.ToOutcome()?.Name() ?? "valid",
                    DateTimeOffset.FromUnixTimeMilliseconds(effective).ToString("yyyy-MM-ddTHH", CultureInfo.InvariantCulture)));
                return effective;
            }
        }

        return (clicks, rejected);
    }
}
