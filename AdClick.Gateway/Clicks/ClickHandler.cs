using System.Diagnostics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using Microsoft.Extensions.Primitives;

namespace AdClick.Gateway.Clicks;

/// <summary>
/// The way of a click through the gateway: check the token, find the ad, judge the request, write the click down, and only then redirect. This is the path
/// that everything else may not slow down.
/// </summary>
internal sealed class ClickHandler
{
    /// <summary>What click URLs begin with, after the public URL.</summary>
    public const string PathPrefix = "/c/";

    // An ad server's clock may be ahead of ours; further ahead is not a clock.
    private static readonly TimeSpan MaxIssuedAhead = TimeSpan.FromMinutes(5);

    private static readonly StringValues NoStore = "no-store";
    private static readonly StringValues NoIndex = "noindex, nofollow";
    private static readonly StringValues ReferrerPolicy = "strict-origin-when-cross-origin";
    private static readonly StringValues Methods = "GET, HEAD";

    [ThreadStatic]
    private static byte[]? _buffer; // the log copies the record before it answers

    private readonly SigningKeyRing _keys;
    private readonly AdCatalogue _catalogue;
    private readonly DeclaredBots _bots;
    private readonly ImpressionLimiter _limiter;
    private readonly TrafficMeter _traffic;
    private readonly IClickLog _log;
    private readonly OpenClicks _open;
    private readonly LogFaultReporter _faults;
    private readonly TimeProvider _time;
    private readonly string _gateway;

    /// <summary>Made once.</summary>
    public ClickHandler(
        SigningKeyRing keys,
        AdCatalogue catalogue,
        DeclaredBots bots,
        ImpressionLimiter limiter,
        TrafficMeter traffic,
        IClickLog log,
        OpenClicks open,
        LogFaultReporter faults,
        GatewayIdentity identity,
        TimeProvider time)
    {
        _keys = keys;
        _catalogue = catalogue;
        _bots = bots;
        _limiter = limiter;
        _traffic = traffic;
        _log = log;
        _open = open;
        _faults = faults;
        _time = time;
        _gateway = identity.Name;
    }

    /// <summary>Answers one request whose path begins with <see cref="PathPrefix"/>.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        var isHead = HttpMethods.IsHead(request.Method);
        if (!isHead && !HttpMethods.IsGet(request.Method))
        {
            context.Response.Headers.Allow = Methods;
            return Refuse(context, StatusCodes.Status405MethodNotAllowed, "method");
        }

        if (IsPrefetch(request.Headers))
        {
            // Redirecting would let the browser reuse the answer for the real click, which would then never get here.
            return Refuse(context, StatusCodes.Status503ServiceUnavailable, "prefetch");
        }

        var now = _time.GetUtcNow();
        if (!_keys.TryVerify(request.Path.Value.AsSpan(PathPrefix.Length), out var token, out var key)
            || token.Impression.IssuedAtMs > (now + MaxIssuedAhead).ToUnixTimeMilliseconds())
        {
            return Refuse(context, StatusCodes.Status404NotFound, key is null ? "token" : "issued_ahead");
        }

        return _catalogue.TryGet(token.AdId, out var ad)
            ? RedirectAsync(context, token, key, ad, isHead)
            : FindAdAndRedirectAsync(context, token, key, isHead);
    }

    private async Task FindAdAndRedirectAsync(HttpContext context, ImpressionToken token, SigningKey key, bool isHead)
    {
        CatalogueAd? ad;
        try
        {
            ad = await _catalogue.FindAsync(token.AdId, context.RequestAborted);
        }
        catch (MetricsStoreUnavailableException)
        {
            await Refuse(context, StatusCodes.Status503ServiceUnavailable, "catalogue");
            return;
        }

        await (ad is null ? Refuse(context, StatusCodes.Status404NotFound, "unknown_ad") : RedirectAsync(context, token, key, ad, isHead));
    }

    private Task RedirectAsync(HttpContext context, in ImpressionToken token, SigningKey key, CatalogueAd ad, bool isHead)
    {
        if (!key.MaySign(ad.Ad.AdvertiserId))
        {
            return Refuse(context, StatusCodes.Status404NotFound, "foreign_key");
        }

        if (isHead)
        {
            Redirect(context.Response, ad.Target.FillWithoutClick(token.Impression, token.AdId, token.Placement, _time.GetUtcNow().ToUnixTimeMilliseconds()));
            return Task.CompletedTask;
        }

        if (!_limiter.TryPass(token.Impression, out var isFirst))
        {
            return Refuse(context, StatusCodes.Status429TooManyRequests, "flood");
        }

        if (isFirst)
        {
            _traffic.Clicked(ad.Traffic); // a token that is replayed doesn't make its ad hot
        }

        return LogAndRedirectAsync(context, token, ad);
    }

    private async Task LogAndRedirectAsync(HttpContext context, ImpressionToken token, CatalogueAd ad)
    {
        var started = Stopwatch.GetTimestamp();
        var ticket = _open.Enter();
        try
        {
            var adKey = new AdKey(token.AdId, token.SubShard);
            var verdict = Judge(context.Request, token, ad, ticket.ClickTimeMs);
            if (await TryAppendAsync(context, token, adKey, ticket.ClickTimeMs, verdict))
            {
                GatewayClickMetrics.Redirected(verdict);
                GatewayClickMetrics.RedirectDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
            else
            {
                GatewayClickMetrics.RedirectedUnlogged();
            }

            var clickId = _keys.SignClickId(token.Impression, adKey, ticket.ClickTimeMs);
            Redirect(context.Response, ad.Target.Fill(clickId, token.Impression, token.AdId, token.Placement, ticket.ClickTimeMs));
        }
        finally
        {
            OpenClicks.Leave(ticket);
        }
    }

    // In the order in which an operator would look: is the token good, is the ad running, is it a person.
    private ClickVerdict Judge(HttpRequest request, in ImpressionToken token, CatalogueAd ad, long clickTimeMs)
    {
        if (clickTimeMs > token.ExpiresAtMs)
        {
            return ClickVerdict.Expired;
        }

        if (ad.Ad.Status != AdStatus.Active)
        {
            return ClickVerdict.InactiveAd;
        }

        return _bots.IsBot(request.Headers.UserAgent.ToString()) ? ClickVerdict.Bot : ClickVerdict.Valid;
    }

    private async ValueTask<bool> TryAppendAsync(HttpContext context, ImpressionToken token, AdKey adKey, long clickTimeMs, ClickVerdict verdict)
    {
        try
        {
            await AppendAsync(context, token, adKey, clickTimeMs, verdict);
            return true;
        }
        catch (ClickLogUnavailableException e)
        {
            // The person still gets to the advertiser's page; the operator gets to know.
            _faults.Report(e);
            return false;
        }
    }

    private Task AppendAsync(HttpContext context, in ImpressionToken token, AdKey adKey, long clickTimeMs, ClickVerdict verdict)
    {
        var headers = context.Request.Headers;
        var click = new ClickRecord
        {
            Nonce = (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue),
            Impression = token.Impression,
            ExpiresAtMs = token.ExpiresAtMs,
            Ad = adKey,
            ClickTimeMs = clickTimeMs,
            Verdict = verdict,
            Placement = token.Placement,
            UserAgent = headers.UserAgent.ToString(),
            ClientNetwork = ClientNetwork.Cut(context.Connection.RemoteIpAddress),
            ReferrerHost = ReferrerHost.Of(headers.Referer.ToString()),
            Language = AdClick.Actors.Clicks.Language.Of(headers.AcceptLanguage.ToString()),
            Gateway = _gateway,
        };
        var buffer = _buffer ??= new byte[ClickRecordWriter.MaxBytes];
        var length = ClickRecordWriter.Write(click, buffer);
        Span<byte> key = stackalloc byte[Ids.MaxLength + 4];
        return _log.AppendAsync(adKey.Partition(_log.Identity.Partitions), key[..adKey.WriteUtf8(key)], buffer.AsSpan(0, length));
    }

    private static void Redirect(HttpResponse response, string location)
    {
        response.StatusCode = StatusCodes.Status302Found;
        var headers = response.Headers;
        headers.Location = location;
        headers.CacheControl = NoStore;
        headers["X-Robots-Tag"] = NoIndex;
        headers["Referrer-Policy"] = ReferrerPolicy;
        headers.ContentLength = 0;
    }

    private static Task Refuse(HttpContext context, int status, string reason)
    {
        GatewayClickMetrics.Refuse(reason);
        return ClickProblems.Of(status).ExecuteAsync(context);
    }

    private static bool IsPrefetch(IHeaderDictionary headers) =>
        Announces(headers["Sec-Purpose"]) || Announces(headers["Purpose"]) || Announces(headers["X-Moz"]) || Announces(headers["X-Purpose"]);

    private static bool Announces(StringValues values)
    {
        if (values.Count == 0)
        {
            return false;
        }

        var purpose = values.ToString();
        return purpose.Contains("prefetch", StringComparison.OrdinalIgnoreCase) || purpose.Contains("prerender", StringComparison.OrdinalIgnoreCase)
            || purpose.Contains("preview", StringComparison.OrdinalIgnoreCase);
    }
}
