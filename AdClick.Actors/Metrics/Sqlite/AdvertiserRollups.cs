using System.Runtime.InteropServices;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// Rollups summed over the ads of an advertiser (docs/decisions/0003-rollups.md). Whoever changes a rolled-up bucket of an ad adds the difference here,
/// in the same transaction.
/// </summary>
internal sealed class AdvertiserRollups
{
    private readonly Dictionary<(string AdvertiserId, int Bucket), ClickTotals> _changes = [];
    private readonly SqliteStatement _find;
    private readonly SqliteStatement _add;

    private AdvertiserRollups(SqliteDatabase database, string table, string bucket)
    {
        _find = database.Prepare("SELECT advertiser_id FROM ads WHERE ad = ?1");
        _add = database.Prepare(
            $"""
            INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (advertiser_id, {bucket}) DO UPDATE SET
                clicks = clicks + excluded.clicks, duplicates = duplicates + excluded.duplicates, late = late + excluded.late,
                bot = bot + excluded.bot, expired = expired + excluded.expired, inactive_ad = inactive_ad + excluded.inactive_ad
            """);
    }

    public static AdvertiserRollups OfQuarters(SqliteDatabase database) => new(database, "advertiser_quarter_clicks", "quarter");

    public static AdvertiserRollups OfDays(SqliteDatabase database) => new(database, "advertiser_day_clicks", "day");

    /// <summary>An ad's bucket has changed. Nobody is told of an ad that is not in the catalogue; <see cref="AddAd"/> will.</summary>
    public void Note(int ad, int bucket, in ClickTotals before, in ClickTotals after)
    {
        _find.Bind(1, ad);
        var advertiserId = _find.Step() ? _find.Text(0) : null;
        _find.Reset();
        if (advertiserId is not null)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_changes, (advertiserId, bucket), out _) += after - before;
        }
    }

    /// <summary>Writes what was noted.</summary>
    public void Write()
    {
        foreach (var ((advertiserId, bucket), change) in _changes)
        {
            RollupRow.Bind(_add.Bind(1, advertiserId).Bind(2, bucket), 3, change);
            _add.Run();
        }

        _changes.Clear();
    }

    /// <summary>Forgets what was noted.</summary>
    public void Clear() => _changes.Clear();

    /// <summary>Adds what is rolled up of an ad that was counted before it came to the catalogue.</summary>
    public static void AddAd(SqliteDatabase database, int ad)
    {
        var (quarters, days) = (OfQuarters(database), OfDays(database));
        var dayOfAd = database.Prepare(
            "SELECT bucket, clicks, duplicates, late, bot, expired, inactive_ad FROM day_clicks WHERE bucket BETWEEN ?1 AND ?2")
            .Bind(1, StoreKeys.Day(0, ad)).Bind(2, StoreKeys.Day(0, ad + 1) - 1);
        while (dayOfAd.Step())
        {
            days.Note(ad, StoreKeys.DayOfBucket(dayOfAd.Int64(0)), default, RollupRow.Read(dayOfAd, 1));
        }

        dayOfAd.Reset();

        // An ad's quarters lie together within each day.
        var next = database.Prepare("SELECT bucket FROM quarter_clicks WHERE bucket >= ?1 ORDER BY bucket LIMIT 1");
        var quarterOfAd = database.Prepare(
            "SELECT bucket, clicks, duplicates, late, bot, expired, inactive_ad FROM quarter_clicks WHERE bucket BETWEEN ?1 AND ?2");
        for (var found = NextDay(0); found is { } day; found = NextDay(day + 1))
        {
            quarterOfAd.Bind(1, StoreKeys.QuarterOfDay(day, ad, 0)).Bind(2, StoreKeys.QuarterOfDay(day, ad, StoredTime.QuartersPerDay - 1));
            while (quarterOfAd.Step())
            {
                quarters.Note(ad, StoreKeys.QuarterOfBucket(quarterOfAd.Int64(0)), default, RollupRow.Read(quarterOfAd, 1));
            }

            quarterOfAd.Reset();
        }

        quarters.Write();
        days.Write();

        int? NextDay(int from)
        {
            next.Bind(1, StoreKeys.QuarterOfDay(from, 0, 0));
            int? day = next.Step() ? StoreKeys.QuarterOfBucket(next.Int64(0)) / StoredTime.QuartersPerDay : null;
            next.Reset();
            return day;
        }
    }
}
