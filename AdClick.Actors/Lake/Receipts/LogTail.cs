using System.Runtime.CompilerServices;
using System.Text;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;

namespace AdClick.Actors.Lake.Receipts;

/// <summary>Clicks of one impression in the part of a partition that is not archived yet.</summary>
internal static class LogTail
{
    private const int MaxBatchRecords = 8 * 1024;

    /// <summary>Finds them.</summary>
    /// <param name="log">The log.</param>
    /// <param name="partition">Partition.</param>
    /// <param name="from">Where to begin, and the partition clock there.</param>
    /// <param name="end">Offset after the last record to look at.</param>
    /// <param name="impression">The impression.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async IAsyncEnumerable<RawClick> FindAsync(
        IClickLog log, int partition, ArchiveProgress from, long end, ImpressionId impression, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var keys = new AdKeyTable(log.Identity.Partitions);
        var (offset, clockMs) = (from.Offset, from.ClockMs);
        using var reader = log.OpenLookupReader(partition, offset);
        while (offset < end)
        {
            var batch = await reader.ReadAsync((int)Math.Min(end - offset, MaxBatchRecords), cancellationToken).ConfigureAwait(false);
            foreach (var click in Find(batch, log.Identity.Epoch, partition, keys, impression, ref clockMs))
            {
                yield return click;
            }

            offset = batch.NextOffset;
        }
    }

    // As BatchDecoder: the same records are clicks, and the clock goes on by the same times.
    private static List<RawClick> Find(LogBatch batch, Guid logEpoch, int partition, AdKeyTable keys, ImpressionId impression, ref long clockMs)
    {
        var found = new List<RawClick>();
        keys.BeginBatch();
        var reader = default(LogRecordReader);
        for (var i = 0; i < batch.Count; i++)
        {
            var appendTimeMs = batch[i].AppendTimeMs;
            switch (reader.Read(batch.Record(i)))
            {
                case LogRecordReader.Kind.Click when keys.Find(reader.AdId, reader.SubShard) is { } known && known.Partition == partition:
                    var effectiveTimeMs = Math.Min(reader.ClickTimeMs, appendTimeMs);
                    if (reader.ImpressionHigh == impression.High && reader.ImpressionLow == impression.Low)
                    {
                        found.Add(ClickOf(batch[i], reader, known.Key, logEpoch, partition, clockMs, effectiveTimeMs));
                    }

                    clockMs = Math.Max(clockMs, effectiveTimeMs);
                    break;
                case LogRecordReader.Kind.Mark:
                    clockMs = Math.Max(clockMs, Math.Min(reader.TimeMs, appendTimeMs));
                    break;
            }
        }

        return found;
    }

    private static RawClick ClickOf(
        LogEntry entry, in LogRecordReader reader, AdKey ad, Guid logEpoch, int partition, long clockMs, long effectiveTimeMs) => new()
        {
            LogEpoch = logEpoch,
            Partition = partition,
            Ad = ad,
            AppendTimeMs = entry.AppendTimeMs,
            Logged = new LoggedClick
            {
                Offset = entry.Offset,
                Nonce = reader.Nonce,
                Impression = new ImpressionId(reader.ImpressionHigh, reader.ImpressionLow),
                ExpiresAtMs = reader.ExpiresAtMs,
                ClickTimeMs = reader.ClickTimeMs,
                EffectiveTimeMs = effectiveTimeMs,
                ClockMs = clockMs,
                Verdict = reader.Verdict,
            },
            Placement = Text(reader.Placement),
            UserAgent = Text(reader.UserAgent),
            ClientNetwork = Text(reader.ClientNetwork),
            ReferrerHost = Text(reader.ReferrerHost),
            Language = Text(reader.Language),
        };

    private static string? Text(ReadOnlySpan<byte> utf8) => utf8.IsEmpty ? null : Encoding.UTF8.GetString(utf8);
}
