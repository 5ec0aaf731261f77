namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// Rolls minutes up to quarters of an hour, and those to UTC days, inside the writer's transaction (docs/decisions/0003-rollups.md). What a flush
/// changed behind the frontier is computed again first; then the frontier moves over whatever has ended.
/// </summary>
internal sealed class RollupJob(SqliteDatabase database, CancellationToken cancellationToken)
{
    /// <summary>Ads that are rolled up in one go, so that a step stays short beside the flushes that wait for it.</summary>
    private const int MaxAdsAtOnce = 4096;

    private readonly SqliteStatement _putQuarter = database.Prepare("REPLACE INTO quarter_clicks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    private readonly SqliteStatement _putDay = database.Prepare("REPLACE INTO day_clicks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    private readonly SqliteStatement _quarter = database.Prepare(
        "SELECT clicks, duplicates, late, bot, expired, inactive_ad FROM quarter_clicks WHERE bucket = ?1");

    private readonly SqliteStatement _day = database.Prepare(
        "SELECT clicks, duplicates, late, bot, expired, inactive_ad FROM day_clicks WHERE bucket = ?1");

    private readonly SqliteStatement _cells = database.Prepare("SELECT cell, clicks FROM minute_cells WHERE cell BETWEEN ?1 AND ?2");
    private readonly AdvertiserRollups _advertiserQuarters = AdvertiserRollups.OfQuarters(database);
    private readonly AdvertiserRollups _advertiserDays = AdvertiserRollups.OfDays(database);
    private RollupFrontier _frontier = RollupFrontier.Read(database);

    /// <summary>Computes about that many buckets; returns how many, 0 when there is nothing left to do now.</summary>
    public int Run(int maxBuckets)
    {
        var before = _frontier;
        _advertiserQuarters.Clear();
        _advertiserDays.Clear();
        var done = RecomputeMarked(maxBuckets);
        done += done < maxBuckets ? RollQuarters(maxBuckets - done) : 0;
        done += done < maxBuckets ? RollDays(maxBuckets - done) : 0;
        _advertiserQuarters.Write();
        _advertiserDays.Write();
        if (_frontier != before)
        {
            _frontier.Write(database);
        }

        return done;
    }

    private int RecomputeMarked(int maxBuckets)
    {
        var marks = new List<long>();
        var read = database.Prepare("SELECT mark FROM rollup_marks ORDER BY mark LIMIT ?1").Bind(1, maxBuckets);
        while (read.Step())
        {
            marks.Add(read.Int64(0));
        }

        read.Reset();
        var days = new HashSet<(int Ad, int Day)>();
        var delete = database.Prepare("DELETE FROM rollup_marks WHERE mark = ?1");
        foreach (var mark in marks)
        {
            var (ad, quarter) = (StoreKeys.AdOfMark(mark), StoreKeys.QuarterOfMark(mark));
            RecomputeQuarters(quarter, ad, ad + 1);
            delete.Bind(1, mark).Run();
            var day = quarter / StoredTime.QuartersPerDay;
            if (day < _frontier.DayOf(ad))
            {
                days.Add((ad, day));
            }
        }

        // Should another quarter of such a day still be marked, the day is computed once more along with it, and not believed until then.
        foreach (var (ad, day) in days)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (RecomputeDays(day, ad, ad + 1, int.MaxValue, out _) == 0)
            {
                // A correction may have taken all of it away; so too below.
                Delete("day_clicks", _day, StoreKeys.Day(day, ad), _advertiserDays, ad, day);
            }
        }

        return marks.Count;
    }

    private int RollQuarters(int maxBuckets)
    {
        var log = ProgressRows.CurrentLog(database);
        var end = RollupRules.FirstLiveQuarter(log, log is null ? [] : ProgressRows.Read(database, log.Epoch));
        var lastAd = (int)database.ReadInt64("SELECT max(ad) FROM ad_ids");
        var adsAtOnce = Math.Min(MaxAdsAtOnce, maxBuckets);
        var done = 0;
        while (done < maxBuckets && _frontier.Quarter < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var next = Math.Min(NextQuarterWithClicks(), end);
            if (next > _frontier.Quarter)
            {
                _frontier = _frontier with { Quarter = next, QuarterAd = 0 };
                continue;
            }

            var endAd = Math.Min(_frontier.QuarterAd + adsAtOnce, lastAd + 1);
            done += RecomputeQuarters(_frontier.Quarter, _frontier.QuarterAd, endAd);
            _frontier = endAd > lastAd
                ? _frontier with { Quarter = _frontier.Quarter + 1, QuarterAd = 0 }
                : _frontier with { QuarterAd = endAd };
        }

        return done;
    }

    private int RollDays(int maxBuckets)
    {
        var done = 0;
        var next = database.Prepare("SELECT bucket FROM quarter_clicks WHERE bucket >= ?1 ORDER BY bucket LIMIT 1");
        while (done < maxBuckets)
        {
            // Days end when their last quarter is rolled up for every ad.
            var end = _frontier.Quarter / StoredTime.QuartersPerDay;
            next.Bind(1, StoreKeys.QuarterOfDay(_frontier.Day, _frontier.DayAd, 0));
            var nextDay = next.Step() ? StoreKeys.QuarterOfBucket(next.Int64(0)) / StoredTime.QuartersPerDay : end;
            next.Reset();
            if (nextDay > _frontier.Day)
            {
                _frontier = _frontier with { Day = Math.Max(_frontier.Day, Math.Min(nextDay, end)), DayAd = 0 };
            }

            if (_frontier.Day >= end)
            {
                break;
            }

            if (nextDay == _frontier.Day)
            {
                cancellationToken.ThrowIfCancellationRequested();
                done += RecomputeDays(_frontier.Day, _frontier.DayAd, StoreKeys.EndOfAds, maxBuckets - done, out var endAd);
                _frontier = endAd == StoreKeys.EndOfAds ? _frontier with { Day = _frontier.Day + 1, DayAd = 0 } : _frontier with { DayAd = endAd };
            }
        }

        return done;
    }

    /// <summary>Computes a quarter of some ads from minutes and late clicks; returns the rows written.</summary>
    private int RecomputeQuarters(int quarter, int firstAd, int endAd)
    {
        Span<ClickTotals> single = stackalloc ClickTotals[1];
        var sums = endAd - firstAd == 1 ? single : new ClickTotals[endAd - firstAd];
        var firstMinute = quarter * StoredTime.MinutesPerQuarter;
        for (var minute = firstMinute; minute < firstMinute + StoredTime.MinutesPerQuarter; minute++)
        {
            _cells.Bind(1, StoreKeys.FirstCell(minute, firstAd)).Bind(2, StoreKeys.LastCell(minute, endAd - 1));
            while (_cells.Step())
            {
                var cell = _cells.Int64(0);
                sums[StoreKeys.AdOfCell(cell) - firstAd] += Totals.Of(StoreKeys.OutcomeOfCell(cell), _cells.Int64(1));
            }

            _cells.Reset();
        }

        AddLate(sums, firstMinute, firstAd, endAd);
        AddCorrections(sums, firstMinute, firstAd, endAd);
        var rows = 0;
        for (var i = 0; i < sums.Length; i++)
        {
            if (sums[i] != default)
            {
                var ad = firstAd + i;
                Put(_putQuarter, _quarter, StoreKeys.Quarter(quarter, ad), sums[i], _advertiserQuarters, ad, quarter);
                rows++;
            }
            else if (sums.Length == 1)
            {
                Delete("quarter_clicks", _quarter, StoreKeys.Quarter(quarter, firstAd), _advertiserQuarters, firstAd, quarter);
            }
        }

        return rows;
    }

    private void AddCorrections(Span<ClickTotals> sums, int firstMinute, int firstAd, int endAd)
    {
        var corrections = endAd - firstAd == 1
            ? database.Prepare(
                """
                SELECT ad, outcome, sum(recounted - streamed + settled) FROM corrections
                WHERE is_current = 1 AND minute >= ?1 AND minute < ?2 AND ad = ?3 GROUP BY outcome
                """)
                .Bind(3, firstAd)
            : database.Prepare(
                """
                SELECT ad, outcome, sum(recounted - streamed + settled) FROM corrections
                WHERE is_current = 1 AND minute >= ?1 AND minute < ?2 AND ad >= ?3 AND ad < ?4 GROUP BY ad, outcome
                """)
                .Bind(3, firstAd).Bind(4, endAd);
        corrections.Bind(1, firstMinute).Bind(2, firstMinute + StoredTime.MinutesPerQuarter);
        while (corrections.Step())
        {
            sums[corrections.Int32(0) - firstAd] += Totals.Of((Clicks.ClickOutcome)corrections.Int32(1), corrections.Int64(2));
        }

        corrections.Reset();
    }

    private void AddLate(Span<ClickTotals> sums, int firstMinute, int firstAd, int endAd)
    {
        // One ad is looked up by its own index, so that a quarter with many late clicks of others costs nothing.
        var late = endAd - firstAd == 1
            ? database.Prepare(
                "SELECT ad, outcome, count(*) FROM late_clicks WHERE minute >= ?1 AND minute < ?2 AND ad = ?3 GROUP BY outcome")
                .Bind(3, firstAd)
            : database.Prepare(
                "SELECT ad, outcome, count(*) FROM late_clicks WHERE minute >= ?1 AND minute < ?2 AND ad >= ?3 AND ad < ?4 GROUP BY ad, outcome")
                .Bind(3, firstAd).Bind(4, endAd);
        late.Bind(1, firstMinute).Bind(2, firstMinute + StoredTime.MinutesPerQuarter);
        while (late.Step())
        {
            sums[late.Int32(0) - firstAd] += Totals.Of((Clicks.ClickOutcome)late.Int32(1), late.Int64(2));
        }

        late.Reset();
    }

    /// <summary>Computes a day of some ads from its quarters; stops after <paramref name="maxRows"/> ads.</summary>
    private int RecomputeDays(int day, int firstAd, int endAd, int maxRows, out int reachedAd)
    {
        var quarters = database.Prepare(
            "SELECT bucket, clicks, duplicates, late, bot, expired, inactive_ad FROM quarter_clicks WHERE bucket >= ?1 AND bucket < ?2");
        quarters.Bind(1, StoreKeys.QuarterOfDay(day, firstAd, 0)).Bind(2, StoreKeys.QuarterOfDay(day, endAd - 1, StoredTime.QuartersPerDay));
        var (rows, ad, sum) = (0, -1, default(ClickTotals));
        reachedAd = endAd;
        while (quarters.Step())
        {
            var rowAd = StoreKeys.AdOfQuarterBucket(quarters.Int64(0));
            if (rowAd != ad)
            {
                rows += PutDay(day, ad, sum);
                (ad, sum) = (rowAd, default);
                if (rows >= maxRows)
                {
                    reachedAd = rowAd;
                    break;
                }
            }

            sum += RollupRow.Read(quarters, 1);
        }

        quarters.Reset();
        return rows + PutDay(day, ad, sum);
    }

    private int PutDay(int day, int ad, in ClickTotals sum)
    {
        if (sum == default)
        {
            return 0;
        }

        Put(_putDay, _day, StoreKeys.Day(day, ad), sum, _advertiserDays, ad, day);
        return 1;
    }

    private static void Put(
        SqliteStatement put, SqliteStatement find, long key, in ClickTotals sum, AdvertiserRollups advertisers, int ad, int bucket)
    {
        var before = Find(find, key);
        RollupRow.Bind(put.Bind(1, key), 2, sum);
        put.Run();
        advertisers.Note(ad, bucket, before, sum);
    }

    private void Delete(string table, SqliteStatement find, long key, AdvertiserRollups advertisers, int ad, int bucket)
    {
        advertisers.Note(ad, bucket, Find(find, key), default);
        database.Prepare($"DELETE FROM {table} WHERE bucket = ?1").Bind(1, key).Run();
    }

    private static ClickTotals Find(SqliteStatement find, long key)
    {
        find.Bind(1, key);
        var found = find.Step() ? RollupRow.Read(find, 0) : default;
        find.Reset();
        return found;
    }

    private int NextQuarterWithClicks()
    {
        var nextCell = database.Prepare("SELECT cell FROM minute_cells WHERE cell >= ?1 ORDER BY cell LIMIT 1")
            .Bind(1, StoreKeys.FirstCell((long)_frontier.Quarter * StoredTime.MinutesPerQuarter, 0));
        var minute = nextCell.Step() ? StoreKeys.MinuteOfCell(nextCell.Int64(0)) : int.MaxValue;
        nextCell.Reset();
        var nextLate = database.Prepare("SELECT minute FROM late_clicks WHERE minute >= ?1 ORDER BY minute LIMIT 1")
            .Bind(1, (long)_frontier.Quarter * StoredTime.MinutesPerQuarter);
        minute = nextLate.Step() ? Math.Min(minute, nextLate.Int32(0)) : minute;
        nextLate.Reset();
        var nextCorrection = database.Prepare("SELECT minute FROM corrections WHERE is_current = 1 AND minute >= ?1 ORDER BY minute LIMIT 1")
            .Bind(1, (long)_frontier.Quarter * StoredTime.MinutesPerQuarter);
        minute = nextCorrection.Step() ? Math.Min(minute, nextCorrection.Int32(0)) : minute;
        nextCorrection.Reset();
        return minute / StoredTime.MinutesPerQuarter;
    }
}
