using System.Diagnostics;
using System.Globalization;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Queries;

/// <summary>
/// A metrics store with a year behind it: every ad was clicked in every minute of the last day, and now and then before. It is filled by flushes and rolled up by
/// the store's own job, so that it is what a year of counting would have left.
/// </summary>
internal sealed class YearOfCounts
{
    private const int MinutesPerDay = 24 * 60;
    private const int Days = 365;
    private const int RowsPerFlush = 50_000;

    private static readonly ClickOutcome[] Outcomes = [ClickOutcome.Accepted, ClickOutcome.Duplicate];

    private readonly SqliteMetricsStore _store;
    private readonly string[] _adIds;
    private readonly SeededRandom _random;
    private readonly List<MinuteCount> _pending = [];
    private PartitionProgress _progress = null!;
    private long _liveClicks = 1;

    private YearOfCounts(SqliteMetricsStore store, int ads, ulong seed)
    {
        _store = store;
        _adIds = [.. Enumerable.Range(0, ads).Select(ad => string.Create(CultureInfo.InvariantCulture, $"ad{ad}"))];
        _random = new SeededRandom(seed);
        End = DateTimeOffset.UtcNow;
    }

    /// <summary>The ads.</summary>
    public IReadOnlyList<string> AdIds => _adIds;

    /// <summary>End of the year.</summary>
    public DateTimeOffset End { get; }

    /// <summary>Minute rows that were written.</summary>
    public long Rows { get; private set; }

    /// <summary>Fills a new store.</summary>
    /// <param name="store">The store.</param>
    /// <param name="rows">Minute rows.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="seed">Draws who was clicked when.</param>
    /// <param name="progress">Takes a line now and then.</param>
    public static async Task<YearOfCounts> FillAsync(SqliteMetricsStore store, long rows, int ads, ulong seed, TextWriter progress)
    {
        var year = new YearOfCounts(store, ads, seed);
        var started = Stopwatch.GetTimestamp();
        await year.FillAsync(rows);
        progress.WriteLine(FormattableString.Invariant($"{year.Rows:N0} minute rows written in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s."));
        started = Stopwatch.GetTimestamp();
        while (await store.RecomputeRollupsAsync(50_000, CancellationToken.None) > 0)
        {
            // Until there is nothing left to do.
        }

        progress.WriteLine(FormattableString.Invariant($"Rolled up in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s."));
        return year;
    }

    /// <summary>Flushes one more click of every ad in the present minute, as a partition does about every second.</summary>
    public async Task FlushLiveAsync()
    {
        _liveClicks++;
        var minute = (int)(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 60);
        foreach (var adId in _adIds)
        {
            AddRows(adId, minute, _liveClicks);
        }

        await FlushAsync();
    }

    private async Task FillAsync(long rows)
    {
        var identity = new LogIdentity(Guid.NewGuid(), 1);
        _progress = await _store.AcquireAsync(identity, 0, CancellationToken.None);
        var endMinute = (int)(End.ToUnixTimeSeconds() / 60);
        var lastDay = endMinute - MinutesPerDay;
        var early = Math.Max(0, rows - ((long)MinutesPerDay * _adIds.Length * Outcomes.Length));
        var earlyMinutes = (Days - 1) * MinutesPerDay;
        for (var i = 0; i < earlyMinutes; i++)
        {
            // So many ads as bring the rows to where they have to be by now.
            var due = early * (i + 1) / earlyMinutes;
            var first = _random.NextInt(_adIds.Length);
            for (var ad = 0; Rows < due && ad < _adIds.Length; ad++)
            {
                AddRows(_adIds[(first + (ad * 7919)) % _adIds.Length], lastDay - earlyMinutes + i, 1 + _random.NextInt(20));
            }

            await FlushIfFullAsync();
        }

        for (var minute = lastDay; minute < endMinute; minute++)
        {
            foreach (var adId in _adIds)
            {
                AddRows(adId, minute, 1 + _random.NextInt(20));
            }

            await FlushIfFullAsync();
        }

        await FlushAsync();
    }

    private void AddRows(string adId, int minute, long clicks)
    {
        foreach (var outcome in Outcomes)
        {
            _pending.Add(new MinuteCount(adId, 0, minute, outcome, clicks));
            Rows++;
        }
    }

    private Task FlushIfFullAsync() => _pending.Count >= RowsPerFlush ? FlushAsync() : Task.CompletedTask;

    private async Task FlushAsync()
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        _progress = _progress with
        {
            FlushedOffset = _progress.FlushedOffset + _pending.Count,
            ClockMs = now,
            AllowedLatenessMs = 60_000,
            Marks = [new GatewayMark("benchmark", now, now)],
        };
        await _store.FlushAsync(
            new PartitionFlush { Progress = _progress, Counts = [.. _pending], LateClicks = [], Rejected = [] }, CancellationToken.None);
        _pending.Clear();
    }
}
