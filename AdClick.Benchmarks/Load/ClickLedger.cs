using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Books every click that was sent and what was answered, and knows from that what the counts must be. It holds whatever the order in which clicks reached the
/// log: of an impression's valid clicks one is accepted and the others are duplicates, and a bot's click is a bot's click. A click whose answer was lost may or
/// may not be in the log; it widens the bounds. Not safe for several threads at once.
/// </summary>
internal sealed class ClickLedger
{
    private readonly AdClicks[] _ads;
    private Impression[] _impressions = new Impression[64 * 1024];

    /// <summary>An empty ledger for ads <c>0 … ads-1</c>.</summary>
    public ClickLedger(int ads) => _ads = new AdClicks[ads];

    [Flags]
    private enum Clicked : byte
    {
        No = 0,
        Surely = 1,
        Perhaps = 2,
    }

    /// <summary>Number of ads.</summary>
    public int Ads => _ads.Length;

    /// <summary>Number of impressions.</summary>
    public int Impressions { get; private set; }

    /// <summary>Clicks that got their redirect.</summary>
    public long Redirected { get; private set; }

    /// <summary>Clicks whose connection ended before the answer.</summary>
    public long Unanswered { get; private set; }

    /// <summary>Clicks that were answered by something else.</summary>
    public long Refused { get; private set; }

    /// <summary>Notes an impression, of an ad that has so many sub-shards now, and gives its number.</summary>
    public int Issue(int ad, ImpressionId id, long expiresAtMs, int subShards = 1)
    {
        if (Impressions == _impressions.Length)
        {
            Array.Resize(ref _impressions, Impressions * 2);
        }

        _impressions[Impressions] = new Impression { Id = id, ExpiresAtMs = expiresAtMs, Ad = ad, SubShard = (byte)id.SubShard(subShards) };
        return Impressions++;
    }

    /// <summary>The ad that an impression shows.</summary>
    public int AdOf(int impression) => _impressions[impression].Ad;

    /// <summary>An impression's ID.</summary>
    public ImpressionId IdOf(int impression) => _impressions[impression].Id;

    /// <summary>When an impression ends, Unix milliseconds.</summary>
    public long ExpiresAtMs(int impression) => _impressions[impression].ExpiresAtMs;

    /// <summary>The sub-shard that stands in an impression's token.</summary>
    public int SubShardOf(int impression) => _impressions[impression].SubShard;

    /// <summary>A click got its 302, so it is in the log.</summary>
    public void BookRedirect(int impression, bool isBot)
    {
        Redirected++;
        ref var ad = ref _ads[_impressions[impression].Ad];
        if (isBot)
        {
            ad.Bots++;
        }
        else
        {
            ad.Valid++;
            Mark(impression, Clicked.Surely);
        }
    }

    /// <summary>A click was sent and never answered: nobody knows whether it is in the log.</summary>
    /// <returns>Whether it leaves open if the impression was accepted: then it has to be clicked again.</returns>
    public bool BookUnanswered(int impression, bool isBot)
    {
        Unanswered++;
        ref var ad = ref _ads[_impressions[impression].Ad];
        if (isBot)
        {
            ad.UnsureBots++;
            return false;
        }

        ad.UnsureValid++;
        Mark(impression, Clicked.Perhaps);
        return NeedsAnotherClick(impression);
    }

    /// <summary>A click was answered by anything but a redirect, so it is not in the log.</summary>
    /// <returns>Whether it was to settle if its impression was accepted, and has to be tried again.</returns>
    public bool BookRefused(int impression, bool isBot)
    {
        Refused++;
        return !isBot && _impressions[impression].Clicked == Clicked.Perhaps;
    }

    /// <summary>Whether no valid click of the impression is sure to be in the log.</summary>
    public bool NeedsAnotherClick(int impression) => (_impressions[impression].Clicked & Clicked.Surely) == 0;

    /// <summary>What the counts of an ad must be.</summary>
    public ExpectedClicks Expect(int ad)
    {
        var clicks = _ads[ad];
        return new ExpectedClicks(
            clicks.Accepted,
            clicks.Accepted + clicks.PerhapsAccepted,
            clicks.Valid,
            clicks.Valid + clicks.UnsureValid,
            clicks.Bots,
            clicks.Bots + clicks.UnsureBots);
    }

    /// <summary>The sum over all ads.</summary>
    public ExpectedClicks ExpectInAll() =>
        Enumerable.Range(0, Ads).Aggregate(default(ExpectedClicks), (sum, ad) => sum + Expect(ad));

    private void Mark(int impression, Clicked clicked)
    {
        ref var entry = ref _impressions[impression];
        ref var ad = ref _ads[entry.Ad];
        var before = entry.Clicked;
        entry.Clicked |= clicked;
        if (clicked == Clicked.Surely && (before & Clicked.Surely) == 0)
        {
            ad.Accepted++;
            ad.PerhapsAccepted -= before == Clicked.Perhaps ? 1 : 0;
        }
        else if (clicked == Clicked.Perhaps && before == Clicked.No)
        {
            ad.PerhapsAccepted++;
        }
    }

    private struct Impression
    {
        public ImpressionId Id;
        public long ExpiresAtMs;
        public int Ad;
        public byte SubShard;
        public Clicked Clicked;
    }

    private struct AdClicks
    {
        public long Accepted;
        public long PerhapsAccepted;
        public long Valid;
        public long UnsureValid;
        public long Bots;
        public long UnsureBots;
    }
}
