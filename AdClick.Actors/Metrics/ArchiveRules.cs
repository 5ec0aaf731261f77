using System.Globalization;

namespace AdClick.Actors.Metrics;

/// <summary>What every store refuses of an archive, in the same words.</summary>
internal static class ArchiveRules
{
    /// <summary>The refusal of an owner that is not the partition's any more.</summary>
    /// <param name="owner">Who it is.</param>
    /// <param name="storedEpoch">The stored owner epoch; null when there is no row.</param>
    public static StaleOwnerException Stale(ArchiveOwner owner, long? storedEpoch) => new(
        $"Partition {owner.Partition} of log {owner.LogEpoch} was acquired by owner epoch {storedEpoch?.ToString(CultureInfo.InvariantCulture) ?? "(none)"}; "
        + $"the archive of owner epoch {owner.OwnerEpoch} ends.");

    /// <summary>The refusal of a cut that does not begin where the archive ends.</summary>
    public static InvalidOperationException NotNext(ArchiveCut cut) => new(
        $"Partition {cut.Owner.Partition} of log {cut.Owner.LogEpoch} is not archived up to offset {cut.FirstOffset}, where the cut up to {cut.EndOffset} begins.");

    /// <summary>Clicks of a cut by UTC hour, as a store keeps them: <c>hour:rows hour:rows</c>.</summary>
    public static string HourRows(ArchiveCut cut) =>
        WriteHourRows(cut.Files.Where(IsClicks).GroupBy(file => file.Hour).ToDictionary(hour => hour.Key, hour => hour.Sum(file => (long)file.Rows)));

    /// <summary>The same when rows of an hour have been taken out.</summary>
    public static string WithoutRows(string text, int hour, long rows)
    {
        var hours = ReadHourRows(text);
        hours[hour] -= rows;
        return WriteHourRows(hours);
    }

    /// <summary>Reads what <see cref="HourRows"/> wrote.</summary>
    public static Dictionary<int, long> ReadHourRows(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(hour => hour.Split(':'))
        .ToDictionary(hour => int.Parse(hour[0], CultureInfo.InvariantCulture), hour => long.Parse(hour[1], CultureInfo.InvariantCulture));

    /// <summary>Whether a file holds clicks, and not records that can't be counted.</summary>
    public static bool IsClicks(LakeFile file) => file.Name.StartsWith(ClicksFolder, StringComparison.Ordinal);

    /// <summary>Begin of the names of files of clicks.</summary>
    public const string ClicksFolder = "clicks/";

    private static string WriteHourRows(Dictionary<int, long> hours) =>
        string.Join(' ', hours.OrderBy(hour => hour.Key).Select(hour => string.Create(CultureInfo.InvariantCulture, $"{hour.Key}:{hour.Value}")));
}
