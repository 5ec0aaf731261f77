using System.Globalization;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics;

/// <summary>What every store refuses in a flush, in the same words.</summary>
internal static class FlushRules
{
    /// <summary>Refuses what the stores' keys can't hold, before it comes near a transaction.</summary>
    /// <exception cref="ArgumentException">A count or late click is out of range.</exception>
    public static void Validate(PartitionFlush flush)
    {
        foreach (var count in flush.Counts)
        {
            if (count is not { SubShard: >= 0 and < AdKey.MaxSubShards, Minute: >= 0 and < StoredTime.EndOfMinutes, Clicks: >= 0 }
                || !Enum.IsDefined(count.Outcome) || count.Outcome == ClickOutcome.Late || !Ids.IsValid(count.AdId))
            {
                throw new ArgumentException($"{count} can't be stored.", nameof(flush));
            }
        }

        foreach (var late in flush.LateClicks)
        {
            if (late is not { SubShard: >= 0 and < AdKey.MaxSubShards, Minute: >= 0 and < StoredTime.EndOfMinutes }
                || !Enum.IsDefined(late.Outcome) || !Ids.IsValid(late.AdId))
            {
                throw new ArgumentException($"{late} can't be stored.", nameof(flush));
            }
        }
    }

    /// <summary>The refusal of a flush whose owner epoch is not the stored one.</summary>
    /// <param name="progress">Progress of the flush.</param>
    /// <param name="storedEpoch">The stored owner epoch; null when there is no row.</param>
    public static StaleOwnerException Stale(PartitionProgress progress, long? storedEpoch) => new(
        $"Partition {progress.Partition} of log {progress.LogEpoch} was acquired by owner epoch "
        + $"{storedEpoch?.ToString(CultureInfo.InvariantCulture) ?? "(none)"}; "
        + $"the flush of owner epoch {progress.OwnerEpoch} was not written.");
}
