using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace AdClick.Benchmarks.Load;

/// <summary>The part of a gateway's API that the load needs: set up ads, read counts.</summary>
internal sealed class GatewayApi : IDisposable
{
    private const int ConcurrentPuts = 64;

    private readonly HttpClient _http;

    /// <summary>The API of the gateway at a URL.</summary>
    public GatewayApi(string url, string adminKey)
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(30) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", adminKey);
    }

    /// <summary>Client with the gateway's address and the admin key.</summary>
    public HttpClient Http => _http;

    /// <summary>Creates all ads of a run.</summary>
    /// <exception cref="HttpRequestException">One was refused; says why.</exception>
    public Task PutAdsAsync(LoadAds ads, CancellationToken cancellationToken) => Parallel.ForAsync(
        0,
        ads.Ids.Count,
        new ParallelOptions { MaxDegreeOfParallelism = ConcurrentPuts, CancellationToken = cancellationToken },
        async (ad, cancelled) =>
        {
            var body = new
            {
                advertiserId = ads.AdvertiserOf(ad),
                name = $"Load {ads.Ids[ad]}",
                targetUrl = "https://shop.example/offer?campaign=load&click={click_id}",
                status = "active",
            };
            using var answer = await _http.PutAsJsonAsync($"/v1/ads/{ads.Ids[ad]}", body, cancelled);
            if (answer.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
            {
                throw new HttpRequestException(
                    $"PUT /v1/ads/{ads.Ids[ad]} was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancelled)}");
            }
        });

    /// <summary>Counts of one ad since a time.</summary>
    public async Task<CountAnswer> ReadAdAsync(string adId, DateTimeOffset from, CancellationToken cancellationToken)
    {
        using var json = await GetAsync($"/v1/ads/{adId}/clicks?{Range(from)}&granularity=hour", cancellationToken);
        return new CountAnswer(CompleteThrough(json), new Dictionary<string, CountedClicks> { [adId] = Counts(json.RootElement.GetProperty("total")) });
    }

    /// <summary>Counts of all ads of an advertiser since a time.</summary>
    public async Task<CountAnswer> ReadAdvertiserAsync(string advertiserId, DateTimeOffset from, CancellationToken cancellationToken)
    {
        using var json = await GetAsync(
            $"/v1/advertisers/{advertiserId}/clicks?{Range(from)}&granularity=hour&groupBy=ad&top={LoadAds.PerAdvertiser}", cancellationToken);
        var groups = json.RootElement.GetProperty("groups").EnumerateArray()
            .ToDictionary(group => group.GetProperty("adId").GetString()!, group => Counts(group.GetProperty("total")));
        return new CountAnswer(CompleteThrough(json), groups);
    }

    /// <summary>Sub-shards of the ads that are split.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ReadSubShardsAsync(CancellationToken cancellationToken)
    {
        using var json = await GetAsync("/v1/sub-shards", cancellationToken);
        return json.RootElement.GetProperty("ads").EnumerateArray()
            .ToDictionary(ad => ad.GetProperty("adId").GetString()!, ad => ad.GetProperty("subShards").GetInt32());
    }

    /// <summary>Clicks that were redirected though they could not be logged, since the gateway started.</summary>
    public async Task<long> ReadUnloggedAsync(CancellationToken cancellationToken)
    {
        const string name = "adclick_redirects_unlogged_total{";
        var metrics = await _http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancellationToken);
        return metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<JsonDocument> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK
            ? JsonDocument.Parse(text)
            : throw new HttpRequestException($"GET {path} was answered {(int)answer.StatusCode}: {text}", null, answer.StatusCode);
    }

    // The clocks of the two machines need not agree to the minute.
    private static string Range(DateTimeOffset from) =>
        $"from={Text(from.AddMinutes(-10))}&to={Text(DateTimeOffset.UtcNow.AddMinutes(10))}";

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static DateTimeOffset CompleteThrough(JsonDocument json) => json.RootElement.GetProperty("completeThrough").GetDateTimeOffset();

    private static CountedClicks Counts(JsonElement total)
    {
        long bots = 0;
        if (total.TryGetProperty("invalidByReason", out var reasons) && reasons.TryGetProperty("bot", out var bot))
        {
            bots = bot.GetInt64();
        }

        return new CountedClicks(
            total.GetProperty("clicks").GetInt64(),
            total.GetProperty("duplicates").GetInt64(),
            bots,
            total.GetProperty("late").GetInt64() + total.GetProperty("invalid").GetInt64() - bots);
    }
}

/// <summary>Counts by ad, and up to when they are complete.</summary>
/// <param name="CompleteThrough">No click before this time is missing.</param>
/// <param name="Ads">Counts by ad ID; ads without clicks may be left out.</param>
internal sealed record CountAnswer(DateTimeOffset CompleteThrough, IReadOnlyDictionary<string, CountedClicks> Ads);
