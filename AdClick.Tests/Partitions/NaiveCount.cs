using AdClick.Actors.Clicks;
using Google.Protobuf;

namespace AdClick.Tests.Partitions;

/// <summary>
/// The counting rule once more, by DESIGN's words and with nothing of the product but the record's form: what the counts of one partition must be.
/// </summary>
internal sealed class NaiveCount(int partition, int partitions, long allowedLatenessMs)
{
    private const long BucketMs = 5 * 60_000;

    private readonly Dictionary<(AdKey, ImpressionId), Entry> _entries = [];
    private long _clockMs;

    /// <summary>The partition clock.</summary>
    public long ClockMs => _clockMs;

    /// <summary>The mark that a record is, or null.</summary>
    public static Mark? ReadMark(byte[] record)
    {
        try
        {
            return LogRecord.Parser.ParseFrom(record).Mark;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>Clicks of every (ad key, minute, outcome), late ones included.</summary>
    public Dictionary<(string AdId, int SubShard, int Minute, ClickOutcome Outcome), long> Counts { get; } = [];

    /// <summary>Records that can't be counted.</summary>
    public int Rejected { get; private set; }

    /// <summary>Counts the next record; null for one that is no click of this partition.</summary>
    public ClickOutcome? Apply(long appendTimeMs, byte[] record)
    {
        if (Read(record) is not { } read)
        {
            Rejected++;
            return null;
        }

        if (read.Mark is { } mark)
        {
            _clockMs = Math.Max(_clockMs, Math.Min(mark.TimeMs, appendTimeMs));
            return null;
        }

        var click = read.Click;
        var impression = (new AdKey(click.AdId, (int)click.SubShard), new ImpressionId(click.ImpressionHigh, click.ImpressionLow));
        var effectiveMs = Math.Min(click.ClickTimeMs, appendTimeMs);
        var bucketEndMs = (click.ExpiresAtMs + BucketMs - 1) / BucketMs * BucketMs;
        _entries.TryGetValue(impression, out var entry);
        if (entry is not null && _clockMs - entry.EndMs > allowedLatenessMs)
        {
            _entries.Remove(impression);
            entry = null;
        }

        var outcome = entry?.Nonces.Contains((uint)click.Nonce) == true ? ClickOutcome.Repeat
            : click.Verdict.ToOutcome() is { } invalid ? invalid
            : click.ClickTimeMs > click.ExpiresAtMs ? ClickOutcome.Expired
            : _clockMs - effectiveMs > allowedLatenessMs ? ClickOutcome.Late
            : entry?.IsAccepted == true ? ClickOutcome.Duplicate
            : ClickOutcome.Accepted;
        if (outcome != ClickOutcome.Repeat && (entry is not null || _clockMs - bucketEndMs <= allowedLatenessMs))
        {
            entry ??= _entries[impression] = new Entry();
            entry.EndMs = Math.Max(entry.EndMs, bucketEndMs);
            entry.IsAccepted |= outcome == ClickOutcome.Accepted;
            if (entry.Nonces.Count < 9)
            {
                entry.Nonces.Add((uint)click.Nonce);
            }
        }

        var cell = (click.AdId, (int)click.SubShard, (int)(effectiveMs / 60_000), outcome);
        Counts[cell] = Counts.GetValueOrDefault(cell) + 1;
        _clockMs = Math.Max(_clockMs, effectiveMs);
        return outcome;
    }

    private LogRecord? Read(byte[] record)
    {
        try
        {
            var read = LogRecord.Parser.ParseFrom(record);
            return read.RecordCase switch
            {
                LogRecord.RecordOneofCase.Mark => read,
                LogRecord.RecordOneofCase.Click when Ids.IsValid(read.Click.AdId) && read.Click.SubShard < AdKey.MaxSubShards
                    && new AdKey(read.Click.AdId, (int)read.Click.SubShard).Partition(partitions) == partition => read,
                _ => null,
            };
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private sealed class Entry
    {
        public long EndMs { get; set; }

        public bool IsAccepted { get; set; }

        public List<uint> Nonces { get; } = [];
    }
}
