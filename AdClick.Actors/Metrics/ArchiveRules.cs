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
}
