using System.Diagnostics.Metrics;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Ads;

/// <summary>What ads measure.</summary>
internal static class AdMetrics
{
    private static readonly Meter Meter = new("AdClick");

    private static readonly Counter<long> Counted = Meter.CreateCounter<long>(
        "adclick.clicks.counted", "{click}", "Clicks counted since the process started, by outcome; what is replayed after a restart counts again");

    private static readonly KeyValuePair<string, object?>[] Tags =
        [.. Enum.GetValues<ClickOutcome>().Select(outcome => new KeyValuePair<string, object?>("outcome", outcome.Name()))];

    /// <summary>Adds the clicks of a batch.</summary>
    /// <param name="outcomes">Clicks by the number of their outcome.</param>
    public static void Count(ReadOnlySpan<int> outcomes)
    {
        for (var outcome = 0; outcome < outcomes.Length; outcome++)
        {
            if (outcomes[outcome] > 0)
            {
                Counted.Add(outcomes[outcome], Tags[outcome]);
            }
        }
    }
}
