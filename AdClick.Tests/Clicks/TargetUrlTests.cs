using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

public class TargetUrlTests
{
    private const string ClickId = "wQJrMQ-_x";
    private const long ClickTimeMs = 1_795_482_123_456;
    private const string ImpressionText = "019ab2d0-5c00-7abc-8def-0123456789ab";

    private static readonly ImpressionId Impression = ImpressionId.TryParse(ImpressionText, out var id) ? id : default;

    [Theory]
    [InlineData("https://a.example/p?c={click_id}", "https://a.example/p?c=wQJrMQ-_x")]
    [InlineData("https://a.example/{ad_id}/{placement}?c={click_id}", "https://a.example/ad-7/top?c=wQJrMQ-_x")]
    [InlineData("https://a.example/?i={impression_id}&c={click_id}", $"https://a.example/?i={ImpressionText}&c=wQJrMQ-_x")]
    [InlineData("https://a.example/?t={click_time}&c={click_id}", "https://a.example/?t=2026-11-24T01%3A02%3A03.456Z&c=wQJrMQ-_x")]
    [InlineData("https://a.example/?c=%7Bclick_id%7D", "https://a.example/?c=wQJrMQ-_x")]
    [InlineData("https://a.example/?c=%7bclick_id%7d&a=%7Bad_id%7d", "https://a.example/?c=wQJrMQ-_x&a=ad-7")]
    [InlineData("https://a.example/#{click_id}", "https://a.example/#wQJrMQ-_x")]
    [InlineData("https://a.example/?a={click_id}{click_id}&b={click_id}", "https://a.example/?a=wQJrMQ-_xwQJrMQ-_x&b=wQJrMQ-_x")]
    public void Macros_are_filled_in(string url, string expected) => Assert.Equal(expected, Fill(url));

    [Theory]
    [InlineData("https://a.example", "https://a.example/?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/", "https://a.example/?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/p", "https://a.example/p?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example?", "https://a.example/?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/p?", "https://a.example/p?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example?a=1", "https://a.example/?a=1&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/p?a=1", "https://a.example/p?a=1&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/p?a=1&", "https://a.example/p?a=1&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/p?a=1#f", "https://a.example/p?a=1&adclid=wQJrMQ-_x#f")]
    [InlineData("https://a.example/p?a=1&#f", "https://a.example/p?a=1&adclid=wQJrMQ-_x#f")]
    [InlineData("https://a.example/p?#f", "https://a.example/p?adclid=wQJrMQ-_x#f")]
    [InlineData("https://a.example/p#", "https://a.example/p?adclid=wQJrMQ-_x#")]
    [InlineData("https://a.example#f", "https://a.example/?adclid=wQJrMQ-_x#f")]
    [InlineData("https://a.example/p#f?x=1", "https://a.example/p?adclid=wQJrMQ-_x#f?x=1")]
    [InlineData("https://a.example/?a={ad_id}#{placement}", "https://a.example/?a=ad-7&adclid=wQJrMQ-_x#top")]
    [InlineData("https://a.example/{ad_id}", "https://a.example/ad-7?adclid=wQJrMQ-_x")]
    public void Without_a_click_ID_macro_it_is_appended_to_the_query(string url, string expected) => Assert.Equal(expected, Fill(url));

    [Theory]
    [InlineData("https://a.example/?c={click_id}&a={ad_id}", "https://a.example/?c=&a=ad-7")]
    [InlineData("https://a.example", "https://a.example/")]
    [InlineData("https://a.example/p?a={ad_id}#f", "https://a.example/p?a=ad-7#f")]
    [InlineData("https://a.example/p?", "https://a.example/p?")]
    public void Without_a_click_its_ID_is_left_out(string url, string expected) =>
        Assert.Equal(expected, Parse(url).FillWithoutClick(Impression, "ad-7", "top", ClickTimeMs));

    [Fact]
    public void No_placement_fills_in_nothing() =>
        Assert.Equal("https://a.example/?p=&c=x", Parse("https://a.example/?p={placement}&c={click_id}").Fill("x", Impression, "a", null, 0));

    [Theory]
    [InlineData("https://a.example/käse?q=日本#😀", "https://a.example/k%C3%A4se?q=%E6%97%A5%E6%9C%AC&adclid=wQJrMQ-_x#%F0%9F%98%80")]
    [InlineData("https://a.example/?q=\"<>^`|", "https://a.example/?q=%22%3C%3E%5E%60%7C&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/?q={\"a\":1}", "https://a.example/?q=%7B%22a%22:1%7D&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/?q={&r=}", "https://a.example/?q=%7B&r=%7D&adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/%7Bother%7D/%20/%zz/%", "https://a.example/%7Bother%7D/%20/%zz/%?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/#a#b", "https://a.example/?adclid=wQJrMQ-_x#a%23b")]
    [InlineData("https://a.example/{{ad_id}}", "https://a.example/%7Bad-7%7D?adclid=wQJrMQ-_x")]
    [InlineData("HTTP://A.Example:8080/P", "HTTP://A.Example:8080/P?adclid=wQJrMQ-_x")]
    [InlineData("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/?adclid=wQJrMQ-_x")]
    [InlineData("http://203.0.113.5", "http://203.0.113.5/?adclid=wQJrMQ-_x")]
    [InlineData("http://localhost:5000/a", "http://localhost:5000/a?adclid=wQJrMQ-_x")]
    [InlineData("https://xn--kse-qla.example/", "https://xn--kse-qla.example/?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example//b.example/", "https://a.example//b.example/?adclid=wQJrMQ-_x")]
    [InlineData("https://a.example/?u=https://b.example/@", "https://a.example/?u=https://b.example/@&adclid=wQJrMQ-_x")]
    public void The_rest_stays_as_it_is_but_for_what_a_header_can_not_hold(string url, string expected) => Assert.Equal(expected, Fill(url));

    [Theory]
    [InlineData("", "missing")]
    [InlineData(null, "missing")]
    [InlineData("a.example/p", "begin with https:// or http://")]
    [InlineData("//a.example/p", "begin with https:// or http://")]
    [InlineData("/p", "begin with https:// or http://")]
    [InlineData("javascript:alert(1)", "begin with https:// or http://")]
    [InlineData("ftp://a.example/", "begin with https:// or http://")]
    [InlineData("https:a.example", "begin with https:// or http://")]
    [InlineData("{click_id}", "begin with https:// or http://")]
    [InlineData("https://", "no host")]
    [InlineData("https:///p", "no host")]
    [InlineData("https://:80/p", "no host")]
    [InlineData("https://?a", "no host")]
    [InlineData("https://{ad_id}.example/", "only after the host")]
    [InlineData("https://a.example{ad_id}", "only after the host")]
    [InlineData("https://a.example:{ad_id}/", "only after the host")]
    [InlineData("https://%7Bad_id%7D/", "only after the host")]
    [InlineData("https://a.example%2f.b.example/", "only after the host")]
    [InlineData("https://user:secret@a.example/", "remove everything up to and including the @")]
    [InlineData("https://a.example\\@b.example/", "backslash")]
    [InlineData("https://a.example/\\b", "backslash")]
    [InlineData("https://a.example/a b", "Character 20")]
    [InlineData(" https://a.example/", "Character 1 ")]
    [InlineData("https://a.example/\r\nSet-Cookie:a", "Character 19")]
    [InlineData("https://a.example/\t", "control character")]
    [InlineData("https://a.example/\u0085", "control character")]
    [InlineData("https://a.example/\u00a0", "white space")]
    [InlineData("https://a.example/\u2028", "white space")]
    [InlineData("https://a.example/\u007f", "control character")]
    [InlineData("https://käse.example/", "xn--")]
    [InlineData("https://a。example/", "xn--")]
    [InlineData("https://a_.b!/", "not a host name")]
    [InlineData("https://a..b/", "not a host name")]
    [InlineData("https://-/", "not a host name")]
    [InlineData("https://a.example:99999/", "1 to 65535")]
    [InlineData("https://a.example:/", "1 to 65535")]
    [InlineData("https://a.example:0/", "1 to 65535")]
    [InlineData("https://a.example:+80/", "1 to 65535")]
    [InlineData("https://[::1/", "IPv6")]
    [InlineData("https://[1.2.3.4]/", "IPv6")]
    [InlineData("https://[::1%25eth0]/", "only after the host")]
    [InlineData("https://a.example/?c={clickid}", "'{clickid}' is not a macro; the macros are {click_id}, {impression_id}, {ad_id}, ")]
    [InlineData("https://a.example/?c={CLICK_ID}", "'{CLICK_ID}' is not a macro")]
    public void What_is_wrong_is_said(string? url, string part)
    {
        Assert.False(TargetUrl.TryParse(url!, out var parsed, out var error));
        Assert.Null(parsed);
        Assert.Contains(part, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        foreach (var half in new[] { "\ud83d", "\ude00", "\ud83da", "\ude00\ud83d" })
        {
            Assert.False(TargetUrl.TryParse("https://a.example/" + half, out _, out var error));
            Assert.Contains("half a Unicode character", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_length_is_bounded_before_and_after_filling()
    {
        var longest = "https://a.example/".PadRight(TargetUrl.MaxLength, 'x');
        Assert.True(TargetUrl.TryParse(longest, out _, out _));
        Assert.False(TargetUrl.TryParse(longest + "x", out _, out var error));
        Assert.Contains("has 2049 characters", error, StringComparison.Ordinal);

        Assert.True(TargetUrl.TryParse("https://a.example/?" + string.Concat(Enumerable.Repeat("{click_id}", 40)), out _, out _));
        Assert.False(TargetUrl.TryParse("https://a.example/?" + string.Concat(Enumerable.Repeat("{click_id}", 50)), out _, out error));
        Assert.Contains("9219 characters long", error, StringComparison.Ordinal);
        Assert.False(TargetUrl.TryParse("https://a.example/".PadRight(2000, '日'), out _, out error));
        Assert.Contains("percent-encoded", error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_filled_in_is_encoded_whatever_it_is()
    {
        var url = Parse("https://a.example/{ad_id}?p={placement}&c={click_id}");
        Assert.Equal("https://a.example/..%2F%0D%0A?p=%26%3D%23&c=%20%C3%A4", url.Fill(" ä", Impression, "../\r\n", "&=#", 0));
    }

    [Property(MaxTest = 2000)]
    public Property Whatever_is_accepted_leads_to_its_own_host_and_fits_a_header()
    {
        var pieces = Gen.Elements(
            "/", "//", "?", "#", "&", "@", ":", ".", "%", "\\", "{", "}", "{ad_id}", "{click_id}", "{placement}", "%7Bclick_time%7D",
            "{impression_id}", "b.example", "https://", "é", "日", "\"", " ", "[", "]", ";", "..", "%2f", "%40");
        var urls =
            from host in Gen.Elements("https://a.example", "http://a.example:8080", "HTTPS://A.EXAMPLE", "https://a.example.", "https://")
            from length in Gen.Choose(0, 10)
            from rest in Gen.ArrayOf(pieces, length)
            select host + string.Concat(rest);
        return Prop.ForAll(urls.ToArbitrary(), text =>
        {
            if (!TargetUrl.TryParse(text, out var url, out var error))
            {
                Assert.EndsWith(".", error, StringComparison.Ordinal);
                return;
            }

            // "b.example" right after the host's name makes another host, but one that the advertiser wrote; nothing that is filled in does.
            var authority = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..].Split('/', '?', '#')[0];
            foreach (var filled in new[]
            {
                url.Fill(ClickId, Impression, "@evil.example", "//evil.example", ClickTimeMs),
                url.FillWithoutClick(Impression, "@evil.example", null, ClickTimeMs),
            })
            {
                Assert.DoesNotContain(filled, c => c is <= ' ' or > '~');
                Assert.True(Uri.TryCreate(filled, UriKind.Absolute, out var uri), filled);
                Assert.Equal(authority.ToLowerInvariant().Split(':')[0], uri.Host);
                Assert.Equal("", uri.UserInfo);
            }
        });
    }

    [Property(MaxTest = 1000)]
    public Property Any_text_is_taken_or_refused_with_a_sentence(bool scheme) => Prop.ForAll(Arbitrary.Text.ToArbitrary(), text =>
    {
        Assert.Equal(TargetUrl.TryParse(scheme ? "https://a.example/" + text : text, out var url, out var error), error is null);
        Assert.Equal(url is null, error is not null);
    });

    [Fact]
    public void Filling_allocates_one_string()
    {
        var url = Parse("https://a.example/{ad_id}?p={placement}&i={impression_id}&t={click_time}&c={click_id}");
        var filled = url.Fill(ClickId, Impression, "ad-7", "top", ClickTimeMs);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            url.Fill(ClickId, Impression, "ad-7", "top", ClickTimeMs);
        }

        Assert.Equal((22 + (2 * filled.Length) + 7) / 8 * 8, (GC.GetAllocatedBytesForCurrentThread() - before) / 1000);
    }

    private static TargetUrl Parse(string text)
    {
        Assert.True(TargetUrl.TryParse(text, out var url, out var error), error);
        Assert.Equal(text, url.Text);
        return url;
    }

    private static string Fill(string url) => Parse(url).Fill(ClickId, Impression, "ad-7", "top", ClickTimeMs);
}
