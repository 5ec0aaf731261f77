using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Akka.Actor;

namespace AdClick.Actors.Ads;

/// <summary>What a partition asks of its ads. These messages stay within the process: an ad lives beside its partition.</summary>
internal static class AdCommands
{
    /// <summary>Apply these clicks of yours, in this order; answered by <see cref="AdEvents.Counted"/>.</summary>
    /// <param name="Batch">Number of the partition's batch.</param>
    /// <param name="Clicks">The batch's clicks, grouped by ad; only <c>[Start, Start + Count)</c> are this ad's.</param>
    /// <param name="Start">First click.</param>
    /// <param name="Count">Number of clicks.</param>
    /// <param name="Terms">Terms to judge by.</param>
    public sealed record CountClicks(long Batch, LoggedClick[] Clicks, int Start, int Count, CountingTerms Terms)
        : INoSerializationVerificationNeeded;

    /// <summary>
    /// The barrier of a checkpoint: hand over what has changed, as of exactly the clicks before this message, and go on. Answered by
    /// <see cref="AdEvents.HandedOver"/>.
    /// </summary>
    /// <param name="Terms">Terms in force.</param>
    /// <param name="ClockMs">Partition clock at the barrier.</param>
    /// <param name="CheckpointClockMs">Partition clock of the newest completed checkpoint.</param>
    /// <param name="WholeState">Whether a snapshot is being taken, which wants the whole state as well.</param>
    public sealed record HandOver(CountingTerms Terms, long ClockMs, long CheckpointClockMs, bool WholeState) : INoSerializationVerificationNeeded;
}

/// <summary>How much an ad holds, and for how long.</summary>
/// <param name="Impressions">Impressions remembered.</param>
/// <param name="SavedBytes">Bytes that the whole state takes in a checkpoint, about.</param>
/// <param name="AliveUntilMs">See <see cref="AdState.AliveUntilMs"/>.</param>
internal readonly record struct AdSize(int Impressions, long SavedBytes, long AliveUntilMs);

/// <summary>What an ad answers.</summary>
internal static class AdEvents
{
    /// <summary>A batch was applied.</summary>
    /// <param name="Slot">The partition's number for the ad.</param>
    /// <param name="Batch">Number of the partition's batch.</param>
    /// <param name="Counts">Absolute counts of every minute and outcome that the batch touched.</param>
    /// <param name="Late">Clicks too late for their counters; null when there are none.</param>
    /// <param name="Size">What the ad holds now.</param>
    public sealed record Counted(int Slot, long Batch, MinuteCell[] Counts, List<LateClick>? Late, AdSize Size) : INoSerializationVerificationNeeded;

    /// <summary>The ad's part of a checkpoint.</summary>
    /// <param name="Slot">The partition's number for the ad.</param>
    /// <param name="Deltas">What has changed.</param>
    /// <param name="WholeState">The whole state; null unless asked for.</param>
    /// <param name="DeltaAliveUntilMs">When the last of the deltas ends.</param>
    /// <param name="Size">What the ad holds now.</param>
    public sealed record HandedOver(int Slot, IReadOnlyList<AdDelta> Deltas, IReadOnlyList<AdDelta>? WholeState, long DeltaAliveUntilMs, AdSize Size)
        : INoSerializationVerificationNeeded;
}
