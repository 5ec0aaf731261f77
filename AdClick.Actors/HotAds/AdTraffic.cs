namespace AdClick.Actors.HotAds;

/// <summary>Counts one ad's traffic on one gateway since the last look. Any thread may add.</summary>
/// <param name="adId">The ad.</param>
public sealed class AdTraffic(string adId)
{
    private int _clicks;
    private int _issued;

    /// <summary>The ad.</summary>
    public string AdId => adId;

    /// <summary>Adds a clicked impression; true when it is the one that reaches the number.</summary>
    internal bool AddClick(int reported) => Interlocked.Increment(ref _clicks) == reported;

    /// <summary>Adds issued impressions; true when they are the ones that reach the number.</summary>
    internal bool AddIssued(int impressions, int reported)
    {
        var issued = Interlocked.Add(ref _issued, impressions);
        return issued >= reported && issued - impressions < reported;
    }

    /// <summary>What was added since the last call.</summary>
    internal (int Clicks, int Issued) Take() => (Interlocked.Exchange(ref _clicks, 0), Interlocked.Exchange(ref _issued, 0));
}
