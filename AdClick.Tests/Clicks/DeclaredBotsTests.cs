using System.Diagnostics;
using System.Text.RegularExpressions;
using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

public class DeclaredBotsTests
{
    private static readonly DeclaredBots Bots = DeclaredBots.Load();

    /// <summary>What people click with, among it what has been taken for a bot elsewhere.</summary>
    public static TheoryData<string> Browsers => new(
        // desktop
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0",
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.4896.127 Safari/537.36 "
            + "coc_coc_browser/106.0.132",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 YaBrowser/23.7.0.2564 "
            + "Yowser/2.5 Safari/537.36",
        // mobile
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 "
            + "Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 "
            + "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 "
            + "Safari/605.1.15",
        "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 "
            + "Safari/604.1",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 14; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile "
            + "Safari/537.36",
        "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; U; Android 13; en-us; Redmi Note 12 Build/TKQ1.221114.001) AppleWebKit/537.36 (KHTML, like Gecko) "
            + "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.20.0-gn",
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 "
            + "HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 13; SM-A135F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Mobile Safari/537.36 "
            + "SogouMSE,SogouMobileBrowser/6.9.12",
        "Mozilla/5.0 (Linux; Android 13; SM-A515F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile DuckDuckGo/5 "
            + "Safari/537.36",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        "UCWEB/2.0 (MIDP-2.0; U; Adr 4.4.2; en-US; SM-G7102) U2/1.0.0 UCBrowser/10.7.0.636 U2/1.0.0 Mobile",
        // webviews and in-app browsers
        "Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A.230805.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            + "Chrome/141.0.7390.122 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
            + "[FBAN/FBIOS;FBAV/535.0.0.41.94;FBDV/iPhone15,3;FBSN/iOS;FBSV/18.6;FBLC/en_US;FBOP/5]",
        "Mozilla/5.0 (Linux; Android 14; SM-A546B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            + "Chrome/141.0.7390.97 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/533.0.0.47.109;]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22F76 Instagram "
            + "387.1.0.34.85 (iPhone15,2; iOS 18_5; en_GB; en-GB; scale=3.00; 1179x2556)",
        "Mozilla/5.0 (Linux; Android 12; M2101K6G Build/SKQ1.210908.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            + "Chrome/139.0.7258.143 Mobile Safari/537.36 trill_410503 JsSdk/1.0 NetType/WIFI AppName/musical_ly app_version/41.5.3 "
            + "BytedanceWebview/d8a21c6",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
            + "Snapchat/13.55.0.43 (like Safari/8618.3.11.10.5, panda)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
            + "MicroMessenger/8.0.54(0x18003637) NetType/WIFI Language/zh_CN",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A.240805.005; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            + "Chrome/141.0.7390.43 Mobile Safari/537.36 Line/15.15.0/IAB",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
            + "[LinkedInApp]/9.31.2640",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/390.0.819123456 "
            + "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for "
            + "iPhone/11.24",
        "Mozilla/5.0 (Linux; Android 13; SM-G991B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.113 "
            + "Mobile Safari/537.36;KAKAOTALK 2410900",
        "Mozilla/5.0 (Linux; Android 13; SM-G991N; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.0.0 Mobile "
            + "Safari/537.36 DaumApps/7.9.0 DaumDevice/mobile",
        "Mozilla/5.0 (Linux; Android 10; JKM-LX1 Build/HUAWEIJKM-L21; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            + "Chrome/110.0.0.0 Mobile Safari/537.36 Viber/19.8",
        // televisions and consoles
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/5.0 Chrome/94.0.4606.31 TV "
            + "Safari/537.36",
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
        "Mozilla/5.0 (Linux; Android 9; AFTS Build/PS7285) AppleWebKit/537.36 (KHTML, like Gecko) Silk/121.6.7 like "
            + "Chrome/121.0.6167.180 Safari/537.36",
        "Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15");

    [Theory]
    [MemberData(nameof(Browsers))]
    public void A_browser_is_no_bot(string userAgent)
    {
        Assert.False(Bots.IsBot(userAgent));
        Assert.False(Bots.IsBot(userAgent)); // as the cache says
    }

    [Fact]
    public void Every_example_of_the_list_is_a_bot()
    {
        var examples = ListLines("crawler-examples.txt").ToList();
        Assert.True(examples.Count > 2000, $"There are {examples.Count} examples.");
        Assert.DoesNotContain(examples, example => !Bots.IsBot(example));
    }

    [Fact]
    public void Literals_and_automaton_together_say_what_the_patterns_say_one_by_one()
    {
        // Without our own list and with "browser" open to all, so that nothing but the patterns decides.
        var patterns = ListLines("crawlers.txt").ToList();
        var bots = DeclaredBots.Create(patterns, ["browser "]);
        var oneByOne = patterns.ConvertAll(pattern => new Regex(pattern, RegexOptions.CultureInvariant));
        var texts = ListLines("crawler-examples.txt").Where((_, i) => i % 20 == 0)
            .Concat(((IEnumerable<object[]>)Browsers).Select(row => (string)row[0]))
            .SelectMany(text => new[] { text, text.ToUpperInvariant(), text[1..], " " + text });
        Assert.All(texts, text => Assert.Equal(oneByOne.Exists(regex => regex.IsMatch(text)), bots.IsBot(text)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("-")]
    [InlineData("curl/8.5.0")]
    [InlineData("Wget/1.21.4")]
    [InlineData("python-requests/2.31.0")]
    [InlineData("Python/3.12 aiohttp/3.9.1")]
    [InlineData("Go-http-client/2.0")]
    [InlineData("Java/21.0.1")]
    [InlineData("Java-http-client/21")]
    [InlineData("okhttp/4.12.0")]
    [InlineData("libwww-perl/6.72")]
    [InlineData("Apache-HttpClient/4.5.14 (Java/17.0.9)")]
    [InlineData("axios/1.6.2")]
    [InlineData("node")]
    [InlineData("PostmanRuntime/7.36.0")]
    [InlineData("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230805.001)")]
    [InlineData("ExampleApp/5 CFNetwork/1490.0.4 Darwin/23.2.0")]
    [InlineData("kube-probe/1.28")]
    [InlineData("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.3803")]
    [InlineData("Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-US) PowerShell/7.4.0")]
    [InlineData("Mozilla/3.0 (compatible; Indy Library)")]
    [InlineData("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.28 Safari/537.36")]
    [InlineData("Mozilla/5.0 (compatible; Somebot/1.0)")]
    [InlineData("Mozilla/5.0 (compatible; Some; +https://some.example/about)")]
    [InlineData("Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)")]
    [InlineData("Viber")]
    public void What_is_no_browser_is_a_bot(string? userAgent) => Assert.True(Bots.IsBot(userAgent));

    [Fact]
    public void Only_the_first_512_characters_are_looked_at()
    {
        var browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) ".PadRight(DeclaredBots.MaxLength - 10, 'x');
        Assert.True(Bots.IsBot(browser + "Googlebot/"));
        Assert.False(Bots.IsBot(browser + "xGooglebot/"));
    }

    [Fact]
    public void An_own_list_that_no_longer_fits_is_refused_by_line()
    {
        AssertSays("'Gone'", () => DeclaredBots.Create(["Here"], ["person Gone"]));
        AssertSays("'robot x'", () => DeclaredBots.Create([], ["robot x"]));
        AssertSays("'x'", () => DeclaredBots.Create([], ["x"]));

        static void AssertSays(string part, Func<object> act) =>
            Assert.Contains(part, Assert.Throws<InvalidDataException>(act).Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 500)]
    public Property Any_text_is_judged_and_always_alike() => Prop.ForAll(Arbitrary.Text.ToArbitrary(), text =>
    {
        var userAgent = "Mozilla/5.0 " + text;
        var judged = Bots.Judge(userAgent.AsSpan(0, Math.Min(userAgent.Length, DeclaredBots.MaxLength)));
        Assert.Equal(judged, Bots.IsBot(userAgent));
        Assert.Equal(judged, Bots.IsBot(userAgent));
    });

    [Fact]
    public void Many_threads_get_the_right_answer_from_one_cache()
    {
        // Far more user agents than places, so that threads replace each other's entries all the time.
        Parallel.For(0, 40_000, i =>
        {
            var isBot = i % 2 == 0;
            Assert.Equal(isBot, Bots.IsBot($"Mozilla/5.0 (Example {i % 10_000}) {(isBot ? "Googlebot/" : "Firefox/")}1"));
        });
    }

    [Fact]
    public void User_agents_made_to_be_slow_are_not()
    {
        // What the open-ended patterns of the list begin with, again and again and never completed, after a beginning that lets them through.
        string[] hard = ["Spider", "ContextualBot ", "Current ", "AdsBot-Google-", "BlogTraffic/1.", " sentry", "Ahrefs", "aaaa", "\ud83d"];
        foreach (var piece in hard)
        {
            var userAgents = Enumerable.Range(0, 2000)
                .Select(i => "Mozilla/5.0 " + i + string.Concat(Enumerable.Repeat(piece, 512 / piece.Length))).ToList();
            var time = Stopwatch.StartNew();
            userAgents.ForEach(userAgent => Bots.IsBot(userAgent));
            Assert.True(time.Elapsed < TimeSpan.FromSeconds(2), $"2,000 user agents full of '{piece}' took {time.Elapsed}.");
        }
    }

    [Fact]
    public void A_user_agent_that_was_seen_before_costs_no_memory()
    {
        const string UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
        var bots = DeclaredBots.Load();
        bots.IsBot(UserAgent);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            bots.IsBot(UserAgent);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static IEnumerable<string> ListLines(string file) =>
        File.ReadLines(RepositoryFiles.PathOf($"AdClick.Actors/Clicks/Bots/{file}")).Skip(2);
}
