using System.Buffers;
using System.Text;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Turns log batches of one partition into grouped clicks. Keeps the partition clock, which is a pure function of the records read (I4).
/// </summary>
internal sealed class BatchDecoder
{
    /// <summary>Why a record is passed over that is neither click nor mark.</summary>
    public const string Unreadable = "The record is not a click or mark that this version can read.";

    private readonly int _partition;
    private readonly AdKeyTable _keys;
    private readonly List<int> _groupCounts = [];
    private readonly List<AdKey> _groupKeys = [];
    private LoggedClick[] _clicks = new LoggedClick[256];
    private int[] _groupOf = new int[256];
    private long _nextOffset;
    private long _clockMs;

    /// <summary>A decoder that goes on from a checkpoint.</summary>
    /// <param name="partition">The partition that is read.</param>
    /// <param name="partitions">Number of partitions of the log.</param>
    /// <param name="offset">Offset of the first record to come.</param>
    /// <param name="clockMs">Partition clock before it.</param>
    public BatchDecoder(int partition, int partitions, long offset, long clockMs)
    {
        _partition = partition;
        _keys = new AdKeyTable(partitions);
        _nextOffset = offset;
        _clockMs = clockMs;
    }

    /// <summary>Why a click is passed over that is not this partition's.</summary>
    public static string Misplaced(AdKeyTable.KnownKey? known) =>
        known is null ? "The ad ID is malformed." : $"Its ad key {known.Key} belongs to partition {known.Partition}.";

    /// <summary>Decodes the next batch.</summary>
    /// <exception cref="InvalidOperationException">The batch doesn't begin where the one before it ended.</exception>
    public PartitionBatch Decode(LogBatch batch)
    {
        if (batch.Count > 0 && batch[0].Offset < _nextOffset)
        {
            throw new InvalidOperationException(
                $"Partition {_partition}: the log gave offset {batch[0].Offset} where {_nextOffset} was expected. "
                + "Counting starts again from the checkpoint.");
        }

        _keys.BeginBatch();
        _groupCounts.Clear();
        _groupKeys.Clear();
        if (_clicks.Length < batch.Count)
        {
            _clicks = new LoggedClick[batch.Count];
            _groupOf = new int[batch.Count];
        }

        var firstOffset = _nextOffset;
        var clickCount = 0;
        List<GatewayMark>? marks = null;
        List<RejectedRecord>? rejected = null;
        var reader = default(LogRecordReader);
        for (var i = 0; i < batch.Count; i++)
        {
            var entry = batch[i];
            var record = batch.Record(i);
            switch (reader.Read(record))
            {
                case LogRecordReader.Kind.Click:
                    var known = _keys.Find(reader.AdId, reader.SubShard);
                    if (known is null || known.Partition != _partition)
                    {
                        (rejected ??= []).Add(new RejectedRecord(entry.Offset, Misplaced(known), record.ToArray()));
                        break;
                    }

                    var effectiveTimeMs = Math.Min(reader.ClickTimeMs, entry.AppendTimeMs);
                    _groupOf[clickCount] = GroupOf(known);
                    _clicks[clickCount++] = new LoggedClick
                    {
                        Offset = entry.Offset,
                        Nonce = reader.Nonce,
                        Impression = new ImpressionId(reader.ImpressionHigh, reader.ImpressionLow),
                        ExpiresAtMs = reader.ExpiresAtMs,
                        ClickTimeMs = reader.ClickTimeMs,
                        EffectiveTimeMs = effectiveTimeMs,
                        ClockMs = _clockMs,
                        Verdict = reader.Verdict,
                    };
                    _clockMs = Math.Max(_clockMs, effectiveTimeMs);
                    break;
                case LogRecordReader.Kind.Mark:
                    var markTimeMs = Math.Min(reader.TimeMs, entry.AppendTimeMs);
                    (marks ??= []).Add(new GatewayMark(Encoding.UTF8.GetString(reader.Gateway), markTimeMs, reader.OpenFromMs));
                    _clockMs = Math.Max(_clockMs, markTimeMs);
                    break;
                default:
                    (rejected ??= []).Add(
                        new RejectedRecord(entry.Offset, Unreadable, record.ToArray()));
                    break;
            }
        }

        _nextOffset = batch.NextOffset;
        var groups = Group(clickCount, out var grouped);
        return new PartitionBatch
        {
            FirstOffset = firstOffset,
            NextOffset = _nextOffset,
            ClockMs = _clockMs,
            Clicks = grouped,
            Groups = groups,
            Marks = marks,
            Rejected = rejected,
        };
    }

    private int GroupOf(AdKeyTable.KnownKey known)
    {
        if (known.Group < 0)
        {
            known.Group = _groupCounts.Count;
            _groupCounts.Add(0);
            _groupKeys.Add(known.Key);
        }

        _groupCounts[known.Group]++;
        return known.Group;
    }

    // A counting sort: stable, so the clicks of an ad stay in offset order.
    private AdGroup[] Group(int clickCount, out LoggedClick[] grouped)
    {
        var groups = new AdGroup[_groupCounts.Count];
        var start = 0;
        for (var group = 0; group < groups.Length; group++)
        {
            groups[group] = new AdGroup(_groupKeys[group], start, _groupCounts[group]);
            start += _groupCounts[group];
            _groupCounts[group] = groups[group].Start;
        }

        grouped = ArrayPool<LoggedClick>.Shared.Rent(clickCount);
        for (var i = 0; i < clickCount; i++)
        {
            grouped[_groupCounts[_groupOf[i]]++] = _clicks[i];
        }

        return groups;
    }
}
