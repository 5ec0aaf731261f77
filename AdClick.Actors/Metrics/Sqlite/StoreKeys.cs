using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// How several numbers are packed into one integer key, the most significant first. The layouts are stored: they change only with a migration
/// (Migrations/0001_counts_and_catalogue.sql).
/// </summary>
/// <remarks>
/// minute_cells: minute 27 bits, ad 27, sub-shard 6, outcome 3. quarter_clicks: day, ad 27, quarter of the day 7. day_clicks: ad, day 18.
/// rollup_marks: ad, quarter 24.
/// </remarks>
internal static class StoreKeys
{
    /// <summary>Ad numbers are below this.</summary>
    public const int EndOfAds = 1 << AdBits;

    private const int AdBits = 27;
    private const int SubShardAndOutcomeBits = 9;
    private const int OutcomeBits = 3;
    private const int QuarterOfDayBits = 7;
    private const int DayBits = 18;
    private const int QuarterBits = 24;

    public static long Cell(int minute, int ad, int subShard, ClickOutcome outcome) =>
        FirstCell(minute, ad) | ((long)subShard << OutcomeBits) | (long)outcome;

    /// <summary>The least key of an ad's cells in a minute.</summary>
    public static long FirstCell(long minute, int ad) => (minute << (AdBits + SubShardAndOutcomeBits)) | ((long)ad << SubShardAndOutcomeBits);

    /// <summary>The greatest key of an ad's cells in a minute.</summary>
    public static long LastCell(long minute, int ad) => FirstCell(minute, ad) | ((1 << SubShardAndOutcomeBits) - 1);

    public static int MinuteOfCell(long cell) => (int)(cell >> (AdBits + SubShardAndOutcomeBits));

    public static int AdOfCell(long cell) => (int)(cell >> SubShardAndOutcomeBits) & (EndOfAds - 1);

    public static ClickOutcome OutcomeOfCell(long cell) => (ClickOutcome)(cell & ((1 << OutcomeBits) - 1));

    public static long Quarter(int quarter, int ad) =>
        QuarterOfDay(quarter / StoredTime.QuartersPerDay, ad, quarter % StoredTime.QuartersPerDay);

    public static long QuarterOfDay(int day, int ad, int quarterOfDay) =>
        ((long)day << (AdBits + QuarterOfDayBits)) | ((long)ad << QuarterOfDayBits) | (uint)quarterOfDay;

    public static int QuarterOfBucket(long bucket) =>
        ((int)(bucket >> (AdBits + QuarterOfDayBits)) * StoredTime.QuartersPerDay) + (int)(bucket & ((1 << QuarterOfDayBits) - 1));

    public static int AdOfQuarterBucket(long bucket) => (int)(bucket >> QuarterOfDayBits) & (EndOfAds - 1);

    public static long Day(int day, int ad) => ((long)ad << DayBits) | (uint)day;

    public static int DayOfBucket(long bucket) => (int)(bucket & ((1 << DayBits) - 1));

    public static long Mark(int quarter, int ad) => ((long)ad << QuarterBits) | (uint)quarter;

    public static int QuarterOfMark(long mark) => (int)(mark & ((1 << QuarterBits) - 1));

    public static int AdOfMark(long mark) => (int)(mark >> QuarterBits);
}
