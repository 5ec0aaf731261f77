using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

/// <summary>What is kept of the Referer and Accept-Language headers.</summary>
public class RequestHeaderTests
{
    [Theory]
    [InlineData("https://News.Example.com/story?id=1#top", "news.example.com")]
    [InlineData("http://a.example", "a.example")]
    [InlineData("http://a.example:8080/x", "a.example")]
    [InlineData("http://user:secret@a.example/x", "a.example")]
    [InlineData("http://a@b@a.example?x", "a.example")]
    [InlineData("http://a.example\\x", "a.example")]
    [InlineData("http://[2001:DB8::1]:80/", "[2001:db8::1]")]
    [InlineData("http://203.0.113.5/", "203.0.113.5")]
    [InlineData("android-app://com.example.reader/", "com.example.reader")]
    [InlineData("https://xn--kse-qla.example/", "xn--kse-qla.example")]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("about:blank", "")]
    [InlineData("a.example", "")]
    [InlineData("://a.example", "")]
    [InlineData("/p?u=http://a.example", "")]
    [InlineData("https://", "")]
    [InlineData("https:///p", "")]
    [InlineData("https://@/", "")]
    [InlineData("https://:80", "")]
    [InlineData("https://käse.example/", "")]
    [InlineData("https://a b/", "")]
    [InlineData("https://[::1", "")]
    [InlineData("https://[]/", "")]
    [InlineData("https://[<x>]/", "")]
    public void The_host_of_a_referrer_is_kept(string? referer, string host) => Assert.Equal(host, ReferrerHost.Of(referer));

    [Fact]
    public void A_host_longer_than_DNS_allows_is_not_kept()
    {
        Assert.Equal(ReferrerHost.MaxLength, ReferrerHost.Of("https://" + new string('a', ReferrerHost.MaxLength)).Length);
        Assert.Equal("", ReferrerHost.Of("https://" + new string('a', ReferrerHost.MaxLength + 1)));
    }

    [Theory]
    [InlineData("en-GB,en;q=0.9", "en-GB")]
    [InlineData("de", "de")]
    [InlineData(" fr-CH ;q=1, fr", "fr-CH")]
    [InlineData("zh-Hans-CN", "zh-Hans-CN")]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("*", "")]
    [InlineData(",en", "")]
    [InlineData(";q=1", "")]
    [InlineData("1en", "")]
    [InlineData("en_GB", "")]
    [InlineData("e<n>", "")]
    [InlineData("ä", "")]
    [InlineData("aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa", "aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa")]
    [InlineData("aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaaa", "")]
    public void The_first_language_is_kept(string? acceptLanguage, string language) => Assert.Equal(language, Language.Of(acceptLanguage));

    [Property(MaxTest = 1000)]
    public Property Any_text_is_taken_without_a_throw() => Prop.ForAll(Arbitrary.Text.ToArbitrary(), text =>
    {
        foreach (var host in new[] { ReferrerHost.Of(text), ReferrerHost.Of("https://" + text), ReferrerHost.Of("https://[" + text) })
        {
            Assert.InRange(host.Length, 0, ReferrerHost.MaxLength);
            Assert.All(host, c => Assert.True(char.IsAscii(c) && !char.IsAsciiLetterUpper(c)));
        }

        Assert.InRange(Language.Of(text).Length, 0, Language.MaxLength);
    });
}
