namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// How far the rollups have come: all ads of the quarters before <see cref="Quarter"/> are rolled up, and the ads below <see cref="QuarterAd"/> of
/// that quarter; likewise for days. The exceptions are in rollup_marks.
/// </summary>
internal readonly record struct RollupFrontier(int Quarter, int QuarterAd, int Day, int DayAd)
{
    /// <summary>First quarter that is not rolled up for an ad.</summary>
    public int QuarterOf(int ad) => ad < QuarterAd ? Quarter + 1 : Quarter;

    /// <summary>First UTC day that is not rolled up for an ad.</summary>
    public int DayOf(int ad) => ad < DayAd ? Day + 1 : Day;

    public static RollupFrontier Read(SqliteDatabase database)
    {
        var read = database.Prepare("SELECT quarter, quarter_ad, day, day_ad FROM rollup_frontier");
        read.Step();
        var frontier = new RollupFrontier(read.Int32(0), read.Int32(1), read.Int32(2), read.Int32(3));
        read.Reset();
        return frontier;
    }

    public void Write(SqliteDatabase database) =>
        database.Prepare("UPDATE rollup_frontier SET quarter = ?1, quarter_ad = ?2, day = ?3, day_ad = ?4")
            .Bind(1, Quarter).Bind(2, QuarterAd).Bind(3, Day).Bind(4, DayAd).Run();
}
