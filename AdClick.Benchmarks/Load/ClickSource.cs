using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Decides what is clicked next: which ad by Zipf's law, whether a new impression or one that was shown before, by a person or by a bot. The same seed decides
/// alike. Not safe for several threads at once.
/// </summary>
internal sealed class ClickSource
{
    /// <summary>A second click follows the first soon, if at all: it is drawn from this many newest impressions.</summary>
    private const int DuplicateWindow = 10_000;

    /// <summary>An impression that ends within this time is not clicked again, because it might end on the way.</summary>
    private const long MarginMs = 60_000;

    private readonly ClickLedger _ledger;
    private readonly int _adCount;
    private readonly ZipfSampler _ads;
    private readonly SeededRandom _random;
    private readonly ClickMix _mix;
    private readonly Queue<int> _again = [];
    private readonly byte[] _subShards;

    /// <summary>A source for the first <paramref name="ads"/> ads of the ledger.</summary>
    public ClickSource(ClickLedger ledger, int ads, ClickMix mix, ulong seed)
    {
        _ledger = ledger;
        _adCount = ads;
        _ads = new ZipfSampler(ads, mix.Skew);
        _mix = mix;
        _random = new SeededRandom(seed);
        _subShards = new byte[ledger.Ads];
        Array.Fill(_subShards, (byte)1);
    }

    /// <summary>Impressions waiting to be clicked again.</summary>
    public int Again => _again.Count;

    /// <summary>The next click.</summary>
    public (int Impression, bool IsBot) Next(long nowMs)
    {
        if (TryNextAgain(out var again))
        {
            return (again, false);
        }

        var isBot = _random.NextDouble() < _mix.Bots;
        if (_random.NextDouble() < _mix.Duplicates && _ledger.Impressions > 0)
        {
            var impression = _ledger.Impressions - 1 - _random.NextInt(Math.Min(_ledger.Impressions, DuplicateWindow));
            if (_ledger.AdOf(impression) < _adCount && _ledger.ExpiresAtMs(impression) > nowMs + MarginMs)
            {
                return (impression, isBot);
            }
        }

        return (Issue(_ads.Next(_random), nowMs), isBot);
    }

    /// <summary>A new impression of an ad.</summary>
    public int Issue(int ad, long nowMs)
    {
        // A UUIDv7 (RFC 9562): time, version 7, 12 random bits; variant 2, 62 random bits.
        var high = ((ulong)nowMs << 16) | 0x7000 | (_random.NextBits() >> 52);
        var low = (2UL << 62) | (_random.NextBits() >> 2);
        return _ledger.Issue(ad, new ImpressionId(high, low), nowMs + (long)_mix.Lifetime.TotalMilliseconds, _subShards[ad]);
    }

    /// <summary>Issues the further impressions of an ad for so many sub-shards.</summary>
    public void Split(int ad, int subShards) => _subShards[ad] = (byte)subShards;

    /// <summary>Has an impression clicked again, before anything new.</summary>
    public void ClickAgain(int impression) => _again.Enqueue(impression);

    /// <summary>Takes an impression that must be clicked again; what was answered meanwhile needs it no more.</summary>
    public bool TryNextAgain(out int impression)
    {
        while (_again.TryDequeue(out impression))
        {
            if (_ledger.NeedsAnotherClick(impression))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>What clicks are like.</summary>
internal sealed record ClickMix
{
    /// <summary>Zipf exponent of the ads' popularity.</summary>
    public double Skew { get; init; } = 1;

    /// <summary>Share of clicks on an impression that was shown before, 0 to 1.</summary>
    public double Duplicates { get; init; } = 0.1;

    /// <summary>Share of clicks that declare themselves a bot's, 0 to 1.</summary>
    public double Bots { get; init; } = 0.01;

    /// <summary>How long an impression may be clicked.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);
}
