using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Counting;

/// <summary>A partition's day for <c>recount</c>: 90 of 100 clicks are the first of their impression, 7 are further ones, 3 are bots'.</summary>
internal sealed class RecountPartition
{
    private const int Hours = 24;
    private const int Remembered = 100_000; // impressions that further clicks are drawn from

    private readonly LogIdentity _log;
    private readonly ArchiveOwner _owner;
    private readonly int _clicks;
    private readonly long _dayMs;
    private readonly long _latenessMs;
    private readonly SeededRandom _random;
    private readonly AdKey[] _ads;
    private readonly (ImpressionId Id, AdKey Ad)[] _impressions = new (ImpressionId, AdKey)[Remembered];
    private readonly string[] _agents = [.. Enumerable.Range(0, 500).Select(number => $"Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko/20100101 Firefox/{number}.0")];
    private readonly byte[] _record = new byte[ClickRecordWriter.MaxBytes];
    private readonly TextTable _texts = new();
    private long _offset;
    private long _clockMs;
    private int _issued;

    /// <summary>A partition that nothing was written of.</summary>
    public RecountPartition(LogIdentity log, int partition, long ownerEpoch, int clicks, int ads, long dayMs, long latenessMs)
    {
        (_log, _clicks, _dayMs, _latenessMs) = (log, clicks, dayMs, latenessMs);
        _owner = new ArchiveOwner(log.Epoch, partition, ownerEpoch);
        _random = new SeededRandom((ulong)partition + 1);
        _ads = [.. Enumerable.Range(0, ads).Select(number => new AdKey($"ad{number}", 0)).Where(ad => ad.Partition(log.Partitions) == partition)];
    }

    /// <summary>Puts the day into lake and store.</summary>
    public async Task WriteAsync(Actors.Metrics.Sqlite.SqliteMetricsStore store, FolderLake lake)
    {
        await store.StartArchiveAsync(_owner, 0, 0, CancellationToken.None);
        for (var hour = 0; hour < Hours; hour++)
        {
            var first = _offset;
            var rows = new ClickRows(_log.Epoch.ToString(), _owner.Partition);
            var counts = AddHour(rows, hour);
            var utcHour = (int)(_dayMs / HourRange.HourMs) + hour;
            var content = await rows.ToParquetAsync();
            var name = LakeFileName.New(LakeFileName.Clicks, utcHour, _log.Epoch, _owner.Partition, first, _offset);
            await lake.WriteAsync(name, content, CancellationToken.None);
            await CutAsync(store, first, [new LakeFile(name, utcHour, rows.Count, content.Length, SHA256.HashData(content.Span))], counts);
        }

        // Marks have gone on until the day was over for long enough.
        var last = _offset;
        _offset += 1000;
        _clockMs = _dayMs + (Hours * HourRange.HourMs) + (2 * _latenessMs);
        await CutAsync(store, last, [], []);
    }

    private async Task CutAsync(Actors.Metrics.Sqlite.SqliteMetricsStore store, long first, LakeFile[] files, IReadOnlyList<MinuteCount> counts)
    {
        await store.CommitCutAsync(
            new ArchiveCut { Owner = _owner, FirstOffset = first, EndOffset = _offset, ClockMs = _clockMs, Files = files }, CancellationToken.None);
        var progress = new PartitionProgress
        {
            LogEpoch = _log.Epoch,
            Partition = _owner.Partition,
            OwnerEpoch = _owner.OwnerEpoch,
            FlushedOffset = _offset,
            ClockMs = _clockMs,
            AllowedLatenessMs = _latenessMs,
        };
        await store.FlushAsync(new PartitionFlush { Progress = progress, Counts = counts, LateClicks = [], Rejected = [] }, CancellationToken.None);
    }

    private List<MinuteCount> AddHour(ClickRows rows, int hour)
    {
        var counts = new Dictionary<(AdKey Ad, int Minute, ClickOutcome Outcome), long>();
        var clicks = (_clicks / Hours) + (hour < _clicks % Hours ? 1 : 0);
        for (var click = 0; click < clicks; click++)
        {
            var timeMs = _dayMs + (hour * HourRange.HourMs) + (click * HourRange.HourMs / clicks);
            var kind = _random.NextBits() % 100;
            var outcome = kind < 90 || _issued == 0 ? ClickOutcome.Accepted : kind < 97 ? ClickOutcome.Duplicate : ClickOutcome.Bot;
            var (impression, ad) = outcome == ClickOutcome.Duplicate ? _impressions[_random.NextBits() % (ulong)Math.Min(_issued, Remembered)] : Issue(timeMs, outcome);
            Add(rows, impression, ad, timeMs, outcome == ClickOutcome.Bot ? ClickVerdict.Bot : ClickVerdict.Valid);
            var cell = (ad, (int)(timeMs / 60_000), outcome);
            counts[cell] = counts.GetValueOrDefault(cell) + 1;
        }

        return [.. counts.Select(cell => new MinuteCount(cell.Key.Ad.AdId, 0, cell.Key.Minute, cell.Key.Outcome, cell.Value))];
    }

    private (ImpressionId Id, AdKey Ad) Issue(long timeMs, ClickOutcome outcome)
    {
        // Few ads get most of the clicks.
        var share = (_random.NextBits() >> 11) / (double)(1UL << 53);
        var issued = (new ImpressionId(((ulong)(timeMs - 5_000) << 16) | 0x7000 | (_random.NextBits() & 0xfff), 0x8000_0000_0000_0000 | (_random.NextBits() >> 2)), _ads[(int)(share * share * share * _ads.Length)]);
        if (outcome == ClickOutcome.Accepted)
        {
            _impressions[_issued++ % Remembered] = issued;
        }

        return issued;
    }

    private void Add(ClickRows rows, ImpressionId impression, AdKey ad, long timeMs, ClickVerdict verdict)
    {
        var record = new ClickRecord
        {
            Nonce = _random.NextBits(),
            Impression = impression,
            ExpiresAtMs = impression.IssuedAtMs + (24 * HourRange.HourMs),
            Ad = ad,
            ClickTimeMs = timeMs,
            Verdict = verdict,
            UserAgent = _agents[_random.NextBits() % (ulong)_agents.Length],
            ClientNetwork = "203.0.113.0/24",
            ReferrerHost = "news.example",
            Language = "en-GB",
            Gateway = "benchmark",
        };
        var reader = default(LogRecordReader);
        reader.Read(_record.AsSpan(0, ClickRecordWriter.Write(record, _record)));
        rows.Add(_offset++, timeMs, _clockMs, ad, reader, _texts);
        _clockMs = Math.Max(_clockMs, timeMs);
    }
}
