namespace AdClick.Benchmarks.Load;

/// <summary>Follows how the gateway splits hot ads, as an ad server does that signs tokens itself: new impressions go by it, old ones keep their sub-shard.</summary>
internal sealed class SubShardWatch
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly GatewayApi _api;
    private readonly Dictionary<string, int> _ads;
    private readonly Lock _gate;
    private readonly ClickSource _source;
    private HashSet<int> _split = [];

    /// <summary>A watch for the ads of a run.</summary>
    /// <param name="api">Whom to ask.</param>
    /// <param name="ads">The ads.</param>
    /// <param name="gate">Guards the source.</param>
    /// <param name="source">Issues by what is found.</param>
    public SubShardWatch(GatewayApi api, LoadAds ads, Lock gate, ClickSource source)
    {
        _api = api;
        _ads = ads.Ids.Index().ToDictionary(ad => ad.Item, ad => ad.Index, StringComparer.Ordinal);
        _gate = gate;
        _source = source;
    }

    /// <summary>Most sub-shards that an ad of the run was ever split into.</summary>
    public int Most { get; private set; } = 1;

    /// <summary>Watches until it is told to stop. A gateway that doesn't answer, say because it was just killed, is asked again.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Apply(await _api.ReadSubShardsAsync(stop));
            }
            catch (HttpRequestException)
            {
            }
            catch (OperationCanceledException)
            {
            }

            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Apply(IReadOnlyDictionary<string, int> subShards)
    {
        var split = subShards.Where(ad => _ads.ContainsKey(ad.Key)).ToDictionary(ad => _ads[ad.Key], ad => ad.Value);
        lock (_gate)
        {
            foreach (var joined in _split.Except(split.Keys))
            {
                _source.Split(joined, 1);
            }

            foreach (var (ad, number) in split)
            {
                _source.Split(ad, number);
                Most = Math.Max(Most, number);
            }
        }

        _split = [.. split.Keys];
    }
}
