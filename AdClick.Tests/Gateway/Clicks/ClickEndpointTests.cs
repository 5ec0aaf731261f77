using System.Net;
using System.Text.Json;
using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Gateway.Clicks;

/// <summary>The way of a click on the embedded log.</summary>
public sealed class ClickEndpointTests(RunningGateway gateway) : ClickEndpointSuite(gateway), IClassFixture<RunningGateway>;

/// <summary>The way of a click on Kafka.</summary>
public sealed class ClickEndpointOnKafkaTests(KafkaGateway gateway) : ClickEndpointSuite(gateway), IClassFixture<KafkaGateway>;

/// <summary>From the click URL to the count, as browsers and advertisers see it, on any click log.</summary>
public abstract class ClickEndpointSuite(RunningGateway gateway)
{
    private readonly string _ad = $"ad-{Guid.NewGuid():N}"[..20];

    [Fact]
    public async Task A_click_is_redirected_and_counted_once_and_its_copy_as_a_duplicate()
    {
        await gateway.PutAdAsync(_ad, "https://example.com/landing?x=1#top");
        var url = await gateway.IssueAsync(_ad, "banner-1");
        using var first = await gateway.ClickAsync(url);
        using var second = await gateway.ClickAsync(url);

        Assert.Equal(HttpStatusCode.Found, first.StatusCode);
        Assert.StartsWith("https://example.com/landing?x=1&adclid=", first.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.EndsWith("#top", first.Headers.Location.OriginalString, StringComparison.Ordinal);
        Assert.True(first.Headers.CacheControl!.NoStore);
        Assert.Equal("noindex, nofollow", first.Headers.GetValues("X-Robots-Tag").Single());
        Assert.Equal("strict-origin-when-cross-origin", first.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(first.Headers.Contains("Set-Cookie"));
        Assert.Equal(HttpStatusCode.Found, second.StatusCode);

        var total = await gateway.WaitForTotalsAsync(_ad, total => Clicks(total) + Duplicates(total) == 2, "two clicks");
        Assert.Equal((1, 1), (Clicks(total), Duplicates(total)));
    }

    [Fact]
    public async Task The_click_id_in_the_target_names_impression_and_ad_and_is_no_token()
    {
        await gateway.PutAdAsync(_ad, "https://example.com/?id={click_id}&imp=%7Bimpression_id%7D&ad={ad_id}&p={placement}");
        using var answer = await gateway.ClickAsync(await gateway.IssueAsync(_ad, "p1"));
        var query = System.Web.HttpUtility.ParseQueryString(answer.Headers.Location!.Query);
        Assert.Equal(_ad, query["ad"]);
        Assert.Equal("p1", query["p"]);
        Assert.Null(query["adclid"]);

        var keys = gateway.Services.GetRequiredService<SigningKeyRing>();
        Assert.True(keys.TryVerifyClickId(query["id"], out var clickId));
        Assert.Equal(query["imp"], clickId.Impression.ToString());
        using var forged = await gateway.ClickAsync(new Uri(gateway.Address, $"/c/{query["id"]}").ToString());
        Assert.Equal(HttpStatusCode.NotFound, forged.StatusCode);
    }

    [Theory]
    [InlineData("curl/8.5.0", "bot")]
    [InlineData("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot")]
    [InlineData("", "bot")]
    public async Task A_declared_bot_is_redirected_and_counted_as_invalid(string userAgent, string reason)
    {
        await gateway.PutAdAsync(_ad);
        using var request = new HttpRequestMessage(HttpMethod.Get, await gateway.IssueAsync(_ad));
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);

        var total = await gateway.WaitForTotalsAsync(_ad, total => total.GetProperty("invalid").GetInt64() == 1, "one invalid click");
        Assert.Equal(1, total.GetProperty("invalidByReason").GetProperty(reason).GetInt64());
        Assert.Equal(0, Clicks(total));
    }

    [Fact]
    public async Task A_bot_does_not_use_the_impression_up()
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        using (var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }))
        {
            client.DefaultRequestHeaders.Add("User-Agent", "curl/8.5.0");
            using var bot = await client.GetAsync(new Uri(url));
        }

        using var person = await gateway.ClickAsync(url);
        var total = await gateway.WaitForTotalsAsync(_ad, total => Clicks(total) == 1, "one click");
        Assert.Equal(1, total.GetProperty("invalid").GetInt64());
    }

    [Fact]
    public async Task Clicks_of_a_paused_ad_and_of_an_expired_impression_are_redirected_and_counted_as_invalid()
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        var issued = DateTimeOffset.UtcNow.AddDays(-2);
        var impression = ImpressionId.New(issued);
        var expired = new ImpressionToken(impression, issued.AddDays(1).ToUnixTimeMilliseconds(), _ad, 0, null);
        using var late = await gateway.ClickAsync(Url(expired));
        Assert.Equal(HttpStatusCode.Found, late.StatusCode);

        await gateway.PutAdAsync(_ad, status: "paused");
        using var paused = await gateway.ClickAsync(url);
        Assert.Equal(HttpStatusCode.Found, paused.StatusCode);
        var total = await gateway.WaitForTotalsAsync(_ad, total => total.GetProperty("invalid").GetInt64() == 2, "two invalid clicks");
        Assert.Equal(1, total.GetProperty("invalidByReason").GetProperty("expired").GetInt64());
        Assert.Equal(1, total.GetProperty("invalidByReason").GetProperty("inactive_ad").GetInt64());
    }

    [Theory]
    [InlineData("Sec-Purpose", "prefetch;prerender")]
    [InlineData("Purpose", "prefetch")]
    [InlineData("X-Moz", "prefetch")]
    public async Task A_prefetch_is_refused_and_not_counted(string header, string value)
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        using var prefetch = await gateway.ClickAsync(url, (header, value));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, prefetch.StatusCode);
        Assert.True(prefetch.Headers.CacheControl!.NoStore);
        await AssertOnlyClickIsNextAsync(url);
    }

    [Fact]
    public async Task Head_is_answered_without_a_click_id_and_not_counted()
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        using var request = new HttpRequestMessage(HttpMethod.Head, url);
        using var head = await gateway.Browsing.SendAsync(request);
        Assert.Equal(HttpStatusCode.Found, head.StatusCode);
        Assert.Equal("https://example.com/", head.Headers.Location!.OriginalString);
        await AssertOnlyClickIsNextAsync(url);
    }

    [Fact]
    public async Task Other_methods_are_not_allowed()
    {
        await gateway.PutAdAsync(_ad);
        using var answer = await gateway.Browsing.PostAsync(new Uri(await gateway.IssueAsync(_ad)), null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal("GET, HEAD", string.Join(", ", answer.Content.Headers.Allow));
    }

    [Fact]
    public async Task Malformed_and_forged_tokens_unknown_ads_and_issue_times_ahead_are_not_found()
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        var ahead = DateTimeOffset.UtcNow.AddMinutes(6);
        string[] bad =
        [
            new Uri(gateway.Address, "/c/").ToString(),
            new Uri(gateway.Address, "/c/nonsense").ToString(),
            url[..^1] + (url[^1] == 'A' ? 'B' : 'A'),
            url + "/x",
            Url(new ImpressionToken(ImpressionId.New(DateTimeOffset.UtcNow), ahead.ToUnixTimeMilliseconds(), "no-such-ad", 0, null)),
            Url(new ImpressionToken(ImpressionId.New(ahead), ahead.AddDays(1).ToUnixTimeMilliseconds(), _ad, 0, null)),
        ];
        foreach (var one in bad)
        {
            using var answer = await gateway.ClickAsync(one);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        }

        await AssertOnlyClickIsNextAsync(url);
    }

    [Fact]
    public async Task More_than_a_hundred_requests_for_one_impression_are_refused_and_not_logged()
    {
        await gateway.PutAdAsync(_ad);
        var url = await gateway.IssueAsync(_ad);
        for (var i = 0; i < 100; i++)
        {
            using var passed = await gateway.ClickAsync(url);
            Assert.Equal(HttpStatusCode.Found, passed.StatusCode);
        }

        using var refused = await gateway.ClickAsync(url);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        var total = await gateway.WaitForTotalsAsync(_ad, total => Clicks(total) + Duplicates(total) >= 100, "a hundred clicks");
        Assert.Equal((1, 99), (Clicks(total), Duplicates(total)));
    }

    private static long Clicks(JsonElement total) => total.GetProperty("clicks").GetInt64();

    private static long Duplicates(JsonElement total) => total.GetProperty("duplicates").GetInt64();

    private string Url(in ImpressionToken token) =>
        new Uri(gateway.Address, $"/c/{gateway.Services.GetRequiredService<SigningKeyRing>().Sign(token)}").ToString();

    // What was not counted before would stand before this click in the log, and so be in the store when it is.
    private async Task AssertOnlyClickIsNextAsync(string url)
    {
        using var click = await gateway.ClickAsync(url);
        Assert.Equal(HttpStatusCode.Found, click.StatusCode);
        var total = await gateway.WaitForTotalsAsync(_ad, total => Clicks(total) > 0, "the click");
        Assert.Equal((1, 0, 0), (Clicks(total), Duplicates(total), total.GetProperty("invalid").GetInt64()));
    }
}
