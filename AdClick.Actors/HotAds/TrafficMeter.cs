using System.Collections.Concurrent;

namespace AdClick.Actors.HotAds;

/// <summary>
/// Measures how busy the ads are on this gateway. A click costs one interlocked addition; the look that the detector takes each second costs nothing for ads
/// that are not busy, however many there are.
/// </summary>
/// <param name="settings">When an ad is hot.</param>
public sealed class TrafficMeter(HotAdSettings settings)
{
    // An ad with fewer clicks stays out of the queue and keeps its few until it has more, which is never far from the truth.
    private readonly int _reported = settings.MinReported;
    private readonly ConcurrentQueue<AdTraffic> _busy = [];

    /// <summary>An impression was clicked for the first time (as far as this gateway remembers).</summary>
    /// <param name="traffic">The ad's counter.</param>
    public void Clicked(AdTraffic traffic)
    {
        if (traffic.AddClick(_reported))
        {
            _busy.Enqueue(traffic);
        }
    }

    /// <summary>Impressions were issued.</summary>
    /// <param name="traffic">The ad's counter.</param>
    /// <param name="impressions">How many.</param>
    public void Issued(AdTraffic traffic, int impressions)
    {
        if (traffic.AddIssued(impressions, _reported))
        {
            _busy.Enqueue(traffic);
        }
    }

    /// <summary>The ads that were busy since the last call, and how busy; each once.</summary>
    internal IReadOnlyList<(string AdId, int Clicks, int Issued)> Take()
    {
        var taken = new List<(string, int, int)>();
        for (var left = _busy.Count; left > 0 && _busy.TryDequeue(out var traffic); left--)
        {
            // One that was queued for its clicks and for its impressions is empty the second time.
            if (traffic.Take() is var (clicks, issued) && (clicks > 0 || issued > 0))
            {
                taken.Add((traffic.AdId, clicks, issued));
            }
        }

        return taken;
    }
}
