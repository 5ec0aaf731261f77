namespace AdClick.Actors.Metrics;

/// <summary>Where clicks go that a question finds.</summary>
internal abstract class ClickSink
{
    /// <summary>Adds clicks of an ad in a minute, or in the bucket that begins with it.</summary>
    public abstract void Add(int ad, int minute, in ClickTotals clicks);
}

/// <summary>Sums by bucket, whichever ad.</summary>
internal sealed class SeriesSink(AlignedRange range) : ClickSink
{
    private int _bucket; // of the last call: the next one mostly falls into the same bucket, or the one after

    public ClickTotals[] Sums { get; } = new ClickTotals[range.Count];

    public override void Add(int ad, int minute, in ClickTotals clicks)
    {
        var boundaries = range.BoundaryMinutes;
        if (minute < boundaries[_bucket] || minute >= boundaries[_bucket + 1])
        {
            if (_bucket + 2 < boundaries.Length && minute >= boundaries[_bucket + 1] && minute < boundaries[_bucket + 2])
            {
                _bucket++;
            }
            else
            {
                var found = boundaries.BinarySearch((long)minute);
                _bucket = found >= 0 ? found : ~found - 1;
            }
        }

        Sums[_bucket] += clicks;
    }
}

/// <summary>Sums by ad, whichever bucket.</summary>
internal sealed class AdsSink : ClickSink
{
    private readonly Dictionary<int, ClickTotals> _sums = [];

    public ClickTotals this[int ad] => _sums.GetValueOrDefault(ad);

    public override void Add(int ad, int minute, in ClickTotals clicks) => _sums[ad] = _sums.GetValueOrDefault(ad) + clicks;
}

/// <summary>Sums by ad and bucket.</summary>
internal sealed class AdSeriesSink(IEnumerable<int> ads, AlignedRange range) : ClickSink
{
    private readonly Dictionary<int, SeriesSink> _series = ads.ToDictionary(ad => ad, _ => new SeriesSink(range));

    public ClickTotals[] this[int ad] => _series[ad].Sums;

    public override void Add(int ad, int minute, in ClickTotals clicks) => _series[ad].Add(ad, minute, clicks);
}
