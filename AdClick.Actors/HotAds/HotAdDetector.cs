using System.Numerics;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.HotAds;

/// <summary>
/// Decides which ads are split into how many sub-shards, from their rates over all gateways, second by second. Every gateway decides by itself from the same
/// rates; who is first tells the others, and a decision that two make alike is one.
/// </summary>
/// <param name="settings">When an ad is hot.</param>
internal sealed class HotAdDetector(HotAdSettings settings)
{
    // Renewing the time of an ad that stays hot each second would only make gossip.
    private static readonly TimeSpan MaxRenewal = TimeSpan.FromMinutes(1);

    private readonly int _seconds = Math.Max(1, (int)settings.After.TotalSeconds);
    private readonly TimeSpan _renewal = TimeSpan.FromTicks(Math.Min(MaxRenewal.Ticks, settings.CoolDown.Ticks / 4));
    private readonly Dictionary<string, Queue<double>> _recent = new(StringComparer.Ordinal);

    /// <summary>Takes the rates of another second, and says what changes.</summary>
    /// <param name="clicksPerSecond">Distinct clicked impressions per second of each busy ad.</param>
    /// <param name="splits">The ads that are split.</param>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <returns>The ads whose split changes; null for one that is split no longer.</returns>
    public IReadOnlyList<(string AdId, AdSplit? Split)> Step(
        IReadOnlyDictionary<string, double> clicksPerSecond, IReadOnlyDictionary<string, AdSplit> splits, long nowMs)
    {
        var changes = new List<(string, AdSplit?)>();
        foreach (var adId in _recent.Keys)
        {
            if (!clicksPerSecond.ContainsKey(adId))
            {
                _recent.Remove(adId); // removing while enumerating is allowed in a Dictionary
            }
        }

        foreach (var (adId, rate) in clicksPerSecond)
        {
            if (!_recent.TryGetValue(adId, out var rates))
            {
                _recent.Add(adId, rates = new Queue<double>(_seconds));
            }

            if (rates.Count == _seconds)
            {
                rates.Dequeue();
            }

            rates.Enqueue(rate);
            var needed = Needed(rates);
            var split = splits.GetValueOrDefault(adId);
            if (needed > 1 && (split is null || needed > split.SubShards || (needed == split.SubShards && IsOlder(split, nowMs, _renewal))))
            {
                changes.Add((adId, new AdSplit { SubShards = needed, NeededAtMs = nowMs }));
            }
        }

        foreach (var (adId, split) in splits)
        {
            if (IsOlder(split, nowMs, settings.CoolDown))
            {
                var needed = _recent.TryGetValue(adId, out var rates) ? Needed(rates) : 1;
                if (needed < split.SubShards)
                {
                    changes.Add((adId, needed == 1 ? null : new AdSplit { SubShards = needed, NeededAtMs = nowMs }));
                }
            }
        }

        return changes;
    }

    private static bool IsOlder(AdSplit split, long nowMs, TimeSpan age) => nowMs - split.NeededAtMs > age.TotalMilliseconds;

    // Hot is what was hot in every one of the last seconds; it is split for their mean.
    private int Needed(Queue<double> rates) => rates.Count == _seconds && rates.Min() >= settings.ClicksPerSecond
        ? (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Math.Ceiling(rates.Average() / settings.ClicksPerSecond), 2, AdKey.MaxSubShards))
        : 1;
}
