namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>The six columns of clicks in a rollup row.</summary>
internal static class RollupRow
{
    /// <summary>Reads six columns.</summary>
    public static ClickTotals Read(SqliteStatement row, int firstColumn) => new(
        row.Int64(firstColumn), row.Int64(firstColumn + 1), row.Int64(firstColumn + 2),
        row.Int64(firstColumn + 3), row.Int64(firstColumn + 4), row.Int64(firstColumn + 5));

    /// <summary>Binds six parameters.</summary>
    public static void Bind(SqliteStatement statement, int firstParameter, in ClickTotals totals) => statement
        .Bind(firstParameter, totals.Clicks).Bind(firstParameter + 1, totals.Duplicates).Bind(firstParameter + 2, totals.Late)
        .Bind(firstParameter + 3, totals.Bot).Bind(firstParameter + 4, totals.Expired).Bind(firstParameter + 5, totals.InactiveAd);
}
