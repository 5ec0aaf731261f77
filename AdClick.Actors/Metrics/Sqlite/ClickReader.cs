using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// Reads the clicks of ads, within one snapshot: rolled-up buckets where they are true, minutes for any bucket that is marked or not rolled up yet.
/// </summary>
internal sealed class ClickReader
{
    /// <summary>A seek costs as much as some ten rows of a scan; so from a tenth of all ads on, reading all of them is the cheaper way.</summary>
    private const int SeekInRows = 10;

    private const int MinAdsForScan = 64;

    private readonly SqliteDatabase _database;
    private readonly CancellationToken _cancellationToken;
    private readonly RollupFrontier _frontier;
    private readonly bool _hasMarks;
    private readonly bool _hasCorrections;
    private readonly HashSet<int> _markedQuarters = [];
    private readonly HashSet<int> _markedDays = [];
    private readonly SqliteStatement _cells;
    private readonly SqliteStatement _quarters;
    private readonly SqliteStatement _advertiserQuarters;
    private readonly SqliteStatement _advertiserDays;

    public ClickReader(SqliteDatabase database, CancellationToken cancellationToken)
    {
        _database = database;
        _cancellationToken = cancellationToken;
        _frontier = RollupFrontier.Read(database);
        _hasMarks = database.ReadInt64("SELECT EXISTS (SELECT 1 FROM rollup_marks)") != 0;
        _hasCorrections = database.ReadInt64("SELECT EXISTS (SELECT 1 FROM corrections WHERE is_current = 1)") != 0;
        _cells = database.Prepare("SELECT cell, clicks FROM minute_cells WHERE cell BETWEEN ?1 AND ?2");
        _quarters = database.Prepare(
            "SELECT bucket, clicks, duplicates, late, bot, expired, inactive_ad FROM quarter_clicks WHERE bucket BETWEEN ?1 AND ?2");
        _advertiserQuarters = Advertiser("quarter");
        _advertiserDays = Advertiser("day");

        SqliteStatement Advertiser(string bucket) => database.Prepare(
            $"""
            SELECT {bucket}, clicks, duplicates, late, bot, expired, inactive_ad FROM advertiser_{bucket}_clicks
            WHERE advertiser_id = ?1 AND {bucket} >= ?2 AND {bucket} < ?3
            """);
    }

    /// <summary>The whole UTC days between which all clicks lie, in minutes; empty when there are none.</summary>
    public (int First, int End) StoredMinutes()
    {
        var first = Math.Min(
            MinuteOf("SELECT cell >> 36 FROM minute_cells ORDER BY cell LIMIT 1", int.MaxValue),
            Math.Min(
                MinuteOf("SELECT minute FROM late_clicks ORDER BY minute LIMIT 1", int.MaxValue),
                MinuteOf("SELECT minute FROM corrections WHERE is_current = 1 ORDER BY minute LIMIT 1", int.MaxValue)));
        var last = Math.Max(
            MinuteOf("SELECT cell >> 36 FROM minute_cells ORDER BY cell DESC LIMIT 1", -1),
            Math.Max(
                MinuteOf("SELECT minute FROM late_clicks ORDER BY minute DESC LIMIT 1", -1),
                MinuteOf("SELECT minute FROM corrections WHERE is_current = 1 ORDER BY minute DESC LIMIT 1", -1)));
        return last < 0
            ? (0, 0)
            : (first / StoredTime.MinutesPerDay * StoredTime.MinutesPerDay, ((last / StoredTime.MinutesPerDay) + 1) * StoredTime.MinutesPerDay);
    }

    private int MinuteOf(string sql, int otherwise)
    {
        var read = _database.Prepare(sql);
        var minute = read.Step() ? read.Int32(0) : otherwise;
        read.Reset();
        return minute;
    }

    /// <summary>Reads some ads.</summary>
    public void Read(IReadOnlyList<int> ads, List<Piece> pieces, ClickSink sink)
    {
        if (ads.Count >= MinAdsForScan && ads.Count * (long)SeekInRows >= _database.ReadInt64("SELECT max(ad) FROM ad_ids"))
        {
            foreach (var ad in ads)
            {
                ReadAd(ad, pieces, sink, isMinutesScanned: true);
            }

            ScanMinutes([.. ads], pieces, sink);
            return;
        }

        foreach (var ad in ads)
        {
            ReadAd(ad, pieces, sink, isMinutesScanned: false);
        }
    }

    /// <summary>Reads all ads of an advertiser: what is rolled up and not marked of any of them from its own sums.</summary>
    public void ReadAdvertiser(string advertiserId, IReadOnlyList<int> ads, List<Piece> pieces, ClickSink sink)
    {
        var marked = new HashSet<int>();
        if (_hasMarks && pieces.Count > 0)
        {
            foreach (var ad in ads)
            {
                FindMarks(ad, pieces[0].Start, pieces[^1].End);
                marked.UnionWith(_markedQuarters);
            }
        }

        var ofAds = new List<Piece>();
        foreach (var piece in pieces)
        {
            var (unit, rolledUpTo, sums) = piece.Source switch
            {
                CountSource.Days => (StoredTime.MinutesPerDay, _frontier.Day * StoredTime.MinutesPerDay, _advertiserDays),
                CountSource.Quarters => (StoredTime.MinutesPerQuarter, _frontier.Quarter * StoredTime.MinutesPerQuarter, _advertiserQuarters),
                _ => (1, piece.Start, _advertiserQuarters),
            };
            var end = Math.Clamp(rolledUpTo, piece.Start, piece.End);
            var without = marked.Select(quarter => quarter * StoredTime.MinutesPerQuarter / unit).ToHashSet();
            sums.Bind(1, advertiserId).Bind(2, piece.Start / unit).Bind(3, end / unit);
            while (end > piece.Start && sums.Step())
            {
                if (!without.Contains(sums.Int32(0)))
                {
                    sink.Add(0, sums.Int32(0) * unit, RollupRow.Read(sums, 1));
                }
            }

            sums.Reset();
            foreach (var bucket in without.Where(bucket => bucket >= piece.Start / unit && bucket < end / unit).Order())
            {
                QueryPlan.Add(ofAds, piece.Source, bucket * unit, (bucket + 1) * unit);
            }

            QueryPlan.Add(ofAds, piece.Source, end, piece.End);
        }

        Read(ads, ofAds, sink);
    }

    /// <summary>Reads one ad, from whatever each piece can be read from.</summary>
    /// <param name="ad">Ad.</param>
    /// <param name="pieces">Plan.</param>
    /// <param name="sink">Where its clicks go.</param>
    /// <param name="isMinutesScanned">Whether <see cref="ScanMinutes"/> reads what is not rolled up.</param>
    private void ReadAd(int ad, List<Piece> pieces, ClickSink sink, bool isMinutesScanned)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (pieces.Count > 0)
        {
            FindMarks(ad, pieces[0].Start, pieces[^1].End);
        }

        foreach (var piece in pieces)
        {
            switch (piece.Source)
            {
                case CountSource.Days:
                    ReadDays(ad, piece.Start, piece.End, sink, isMinutesScanned);
                    break;
                case CountSource.Quarters:
                    ReadQuarters(ad, piece.Start, piece.End, sink, isMinutesScanned);
                    break;
                case CountSource.Minutes when !isMinutesScanned:
                    ReadMinutes(ad, piece.Start, piece.End, sink);
                    break;
            }
        }
    }

    private void FindMarks(int ad, int start, int end)
    {
        _markedQuarters.Clear();
        _markedDays.Clear();
        if (!_hasMarks)
        {
            return;
        }

        var marks = _database.Prepare("SELECT mark FROM rollup_marks WHERE mark BETWEEN ?1 AND ?2")
            .Bind(1, StoreKeys.Mark(start / StoredTime.MinutesPerQuarter, ad))
            .Bind(2, StoreKeys.Mark((end - 1) / StoredTime.MinutesPerQuarter, ad));
        while (marks.Step())
        {
            var quarter = StoreKeys.QuarterOfMark(marks.Int64(0));
            _markedQuarters.Add(quarter);
            _markedDays.Add(quarter / StoredTime.QuartersPerDay);
        }

        marks.Reset();
    }

    private void ReadDays(int ad, int start, int end, ClickSink sink, bool isMinutesScanned)
    {
        var first = start / StoredTime.MinutesPerDay;
        var rolledEnd = Math.Clamp(_frontier.DayOf(ad), first, end / StoredTime.MinutesPerDay);
        var days = _database.Prepare(
            "SELECT bucket, clicks, duplicates, late, bot, expired, inactive_ad FROM day_clicks WHERE bucket >= ?1 AND bucket < ?2")
            .Bind(1, StoreKeys.Day(first, ad)).Bind(2, StoreKeys.Day(rolledEnd, ad));
        while (days.Step())
        {
            var day = StoreKeys.DayOfBucket(days.Int64(0));
            if (!_markedDays.Contains(day))
            {
                sink.Add(ad, day * StoredTime.MinutesPerDay, RollupRow.Read(days, 1));
            }
        }

        days.Reset();
        foreach (var day in _markedDays)
        {
            if (day >= first && day < rolledEnd)
            {
                ReadQuarters(ad, day * StoredTime.MinutesPerDay, (day + 1) * StoredTime.MinutesPerDay, sink, isMinutesScanned);
            }
        }

        ReadQuarters(ad, rolledEnd * StoredTime.MinutesPerDay, end, sink, isMinutesScanned);
    }

    private void ReadQuarters(int ad, int start, int end, ClickSink sink, bool isMinutesScanned)
    {
        var first = start / StoredTime.MinutesPerQuarter;
        var rolledEnd = Math.Clamp(_frontier.QuarterOf(ad), first, end / StoredTime.MinutesPerQuarter);
        for (var quarter = first; quarter < rolledEnd; quarter = NextDay(quarter))
        {
            SeekQuartersOfDay(ad, quarter, rolledEnd);
            while (_quarters.Step())
            {
                var found = StoreKeys.QuarterOfBucket(_quarters.Int64(0));
                if (!_markedQuarters.Contains(found))
                {
                    sink.Add(ad, found * StoredTime.MinutesPerQuarter, RollupRow.Read(_quarters, 1));
                }
            }

            _quarters.Reset();
        }

        foreach (var quarter in _markedQuarters)
        {
            if (quarter >= first && quarter < rolledEnd)
            {
                SeekMinutes(ad, quarter * StoredTime.MinutesPerQuarter, (quarter + 1) * StoredTime.MinutesPerQuarter, sink);
            }
        }

        if (!isMinutesScanned)
        {
            SeekMinutes(ad, rolledEnd * StoredTime.MinutesPerQuarter, end, sink);
        }
    }

    /// <summary>Reads minutes, but for those in quarters of which the rollup says that there is nothing: a quiet ad has few others.</summary>
    private void ReadMinutes(int ad, int start, int end, ClickSink sink)
    {
        var firstQuarter = start / StoredTime.MinutesPerQuarter;
        var rolledEnd = Math.Clamp(_frontier.QuarterOf(ad), firstQuarter, (end - 1) / StoredTime.MinutesPerQuarter + 1);
        var busy = new SortedSet<int>(_markedQuarters.Where(quarter => quarter >= firstQuarter && quarter < rolledEnd));
        for (var quarter = firstQuarter; quarter < rolledEnd; quarter = NextDay(quarter))
        {
            SeekQuartersOfDay(ad, quarter, rolledEnd);
            while (_quarters.Step())
            {
                busy.Add(StoreKeys.QuarterOfBucket(_quarters.Int64(0)));
            }

            _quarters.Reset();
        }

        // Busy neighbours go together; the quarters that are not rolled up are the last run, or go with it.
        var (runStart, runEnd) = (-1, -1);
        foreach (var quarter in busy)
        {
            if (quarter != runEnd)
            {
                SeekQuarters(runStart, runEnd);
                runStart = quarter;
            }

            runEnd = quarter + 1;
        }

        SeekQuarters(runStart, runEnd);
        SeekMinutes(ad, Math.Max(start, rolledEnd * StoredTime.MinutesPerQuarter), end, sink);

        void SeekQuarters(int firstOfRun, int endOfRun) => SeekMinutes(
            ad, Math.Max(start, firstOfRun * StoredTime.MinutesPerQuarter), Math.Min(end, endOfRun * StoredTime.MinutesPerQuarter), sink);
    }

    private void SeekMinutes(int ad, int start, int end, ClickSink sink)
    {
        if (start >= end)
        {
            return;
        }

        for (var minute = start; minute < end; minute++)
        {
            if (minute % StoredTime.MinutesPerQuarter == 0)
            {
                _cancellationToken.ThrowIfCancellationRequested(); // an interrupt reaches only the statement that runs
            }

            _cells.Bind(1, StoreKeys.FirstCell(minute, ad)).Bind(2, StoreKeys.LastCell(minute, ad));
            while (_cells.Step())
            {
                sink.Add(ad, minute, Totals.Of(StoreKeys.OutcomeOfCell(_cells.Int64(0)), _cells.Int64(1)));
            }

            _cells.Reset();
        }

        var late = _database.Prepare(
            "SELECT minute, outcome, count(*) FROM late_clicks WHERE ad = ?1 AND minute >= ?2 AND minute < ?3 GROUP BY minute, outcome")
            .Bind(1, ad).Bind(2, start).Bind(3, end);
        while (late.Step())
        {
            sink.Add(ad, late.Int32(0), Totals.Of((ClickOutcome)late.Int32(1), late.Int64(2)));
        }

        late.Reset();
        if (!_hasCorrections)
        {
            return;
        }

        var corrections = _database.Prepare(
            """
            SELECT minute, outcome, recounted - streamed + settled FROM corrections
            WHERE is_current = 1 AND ad = ?1 AND minute >= ?2 AND minute < ?3
            """).Bind(1, ad).Bind(2, start).Bind(3, end);
        while (corrections.Step())
        {
            sink.Add(ad, corrections.Int32(0), Totals.Of((ClickOutcome)corrections.Int32(1), corrections.Int64(2)));
        }

        corrections.Reset();
    }

    /// <summary>Reads what <see cref="ReadAd"/> has left out of many ads, all minutes in one go.</summary>
    private void ScanMinutes(HashSet<int> ads, List<Piece> pieces, ClickSink sink)
    {
        foreach (var piece in pieces)
        {
            // Where the piece is read from rollups, each ad's part ended at its frontier.
            var isRolledUp = piece.Source != CountSource.Minutes;
            var start = isRolledUp ? Math.Max(piece.Start, _frontier.Quarter * StoredTime.MinutesPerQuarter) : piece.Start;
            if (start >= piece.End)
            {
                continue;
            }

            bool IsWanted(int ad, int minute) =>
                ads.Contains(ad) && (!isRolledUp || minute / StoredTime.MinutesPerQuarter >= _frontier.QuarterOf(ad));

            _cells.Bind(1, StoreKeys.FirstCell(start, 0)).Bind(2, StoreKeys.FirstCell(piece.End, 0) - 1);
            while (_cells.Step())
            {
                var cell = _cells.Int64(0);
                var (ad, minute) = (StoreKeys.AdOfCell(cell), StoreKeys.MinuteOfCell(cell));
                if (IsWanted(ad, minute))
                {
                    sink.Add(ad, minute, Totals.Of(StoreKeys.OutcomeOfCell(cell), _cells.Int64(1)));
                }
            }

            _cells.Reset();
            var late = _database.Prepare(
                "SELECT minute, ad, outcome, count(*) FROM late_clicks WHERE minute >= ?1 AND minute < ?2 GROUP BY minute, ad, outcome")
                .Bind(1, start).Bind(2, piece.End);
            while (late.Step())
            {
                if (IsWanted(late.Int32(1), late.Int32(0)))
                {
                    sink.Add(late.Int32(1), late.Int32(0), Totals.Of((ClickOutcome)late.Int32(2), late.Int64(3)));
                }
            }

            late.Reset();
            if (!_hasCorrections)
            {
                continue;
            }

            var corrections = _database.Prepare(
                """
                SELECT minute, ad, outcome, recounted - streamed + settled FROM corrections
                WHERE is_current = 1 AND minute >= ?1 AND minute < ?2
                """).Bind(1, start).Bind(2, piece.End);
            while (corrections.Step())
            {
                if (IsWanted(corrections.Int32(1), corrections.Int32(0)))
                {
                    sink.Add(corrections.Int32(1), corrections.Int32(0), Totals.Of((ClickOutcome)corrections.Int32(2), corrections.Int64(3)));
                }
            }

            corrections.Reset();
        }
    }

    private static int NextDay(int quarter) => ((quarter / StoredTime.QuartersPerDay) + 1) * StoredTime.QuartersPerDay;

    // The rows of one UTC day lie together: [quarter, end of its day or `end`).
    private void SeekQuartersOfDay(int ad, int quarter, int end) => _quarters
        .Bind(1, StoreKeys.Quarter(quarter, ad))
        .Bind(2, StoreKeys.Quarter(Math.Min(NextDay(quarter), end) - 1, ad));
}
