using System.Text.Json;
using System.Text.RegularExpressions;
using AdClick.Benchmarks.Pages;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace AdClick.Tests.Gateway.Pages;

/// <summary>The advertiser's page in a real browser, on a real node.</summary>
[Collection(HeavyTests.Name)]
public sealed partial class AdvertiserPageTests : IClassFixture<Browser>, IClassFixture<AdvertiserPageTests.Node>
{
    // The browser looks again and again until then; a small machine that is busy may take its time.
    private static readonly LocatorAssertionsToHaveTextOptions Patiently = new() { Timeout = 60_000 };

    private readonly Browser _browser;
    private readonly Node _node;

    public AdvertiserPageTests(Browser browser, Node node)
    {
        _browser = browser;
        _node = node;
    }

    [BrowserFact]
    public async Task A_click_that_is_made_while_one_looks_on_shows_up()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        var (page, faults) = await OpenAsync(key, "#range=1h&by=minute");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("0", Patiently);
        await Expect(page.Locator("#connection")).ToHaveTextAsync("Live", new() { Timeout = 60_000 });

        var url = await _node.IssueAsync(adId);
        using (await _node.ClickAsync(url))
        using (await _node.ClickAsync(url))
        using (await _node.ClickAsync(await _node.IssueAsync(adId), ("User-Agent", "curl/8.14.1")))
        {
        }

        await Expect(Tile(page, "clicks")).ToHaveTextAsync("1", Patiently);
        await Expect(Tile(page, "duplicates")).ToHaveTextAsync("1", Patiently);
        await Expect(Tile(page, "invalid")).ToHaveTextAsync("1", Patiently);

        // The same in the chart, as it reads its values out, in the table, among the ads and by reason.
        await page.Locator("#chart").FocusAsync();
        await page.Keyboard.PressAsync("Home");
        await Expect(page.Locator("#readout")).ToContainTextAsync("0 accepted, 0 duplicates, 0 invalid");
        await Expect(page.Locator("#data")).Not.ToHaveAttributeAsync("open", "");
        await page.Locator("#data summary").ClickAsync();
        await Expect(page.Locator("#table tbody tr").Filter(new() { HasTextRegex = OneOfEach() }).First).ToBeVisibleAsync();
        await Expect(page.Locator("#top tbody tr").First).ToContainTextAsync(adId, new() { Timeout = 60_000 });
        await Expect(page.Locator("#reasons li").First).ToContainTextAsync("1 · 100.0%");
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task The_key_stays_in_the_tab_and_out_of_every_address()
    {
        var (_, key) = await _node.MakeAdvertiserAsync();
        var asked = new List<string>();
        var (page, faults) = await _browser.OpenAsync(_node.Address);
        page.Request += (_, request) => asked.Add(request.Url);
        await page.GotoAsync("/");
        await SignInAsync(page, key);
        await page.ReloadAsync();
        await Expect(page.Locator("#dashboard")).ToBeVisibleAsync();

        var other = await page.Context.NewPageAsync();
        await other.GotoAsync("/");
        await Expect(other.Locator("#sign-in")).ToBeVisibleAsync();

        await page.Locator("#sign-out").ClickAsync();
        await Expect(page.Locator("#sign-in")).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("sessionStorage.length + localStorage.length"));
        Assert.Empty(await page.Context.CookiesAsync());
        Assert.NotEmpty(asked);
        Assert.DoesNotContain(asked, url => url.Contains(key, StringComparison.Ordinal));
        Assert.DoesNotContain(key, page.Url, StringComparison.Ordinal);
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task A_key_that_is_not_known_or_of_no_use_here_is_refused_with_a_reason()
    {
        var publisher = await _node.MakeKeyAsync("publisher", null);
        var (page, _) = await _browser.OpenAsync(_node.Address);
        await page.GotoAsync("/");
        foreach (var (key, reason) in (IEnumerable<(string, string)>)[("adc_nobody", "not known"), (publisher, "issues impressions")])
        {
            await page.Locator("#key").FillAsync(key);
            await page.Locator("#sign-in-form button").ClickAsync();
            await Expect(page.Locator("#sign-in-problem")).ToContainTextAsync(reason);
            await Expect(page.Locator("#dashboard")).ToBeHiddenAsync();
        }
    }

    [BrowserFact]
    public async Task Range_granularity_and_zone_are_changed_and_a_link_restores_them()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 2);
        var (page, faults) = await OpenAsync(key, "");
        await Expect(page.Locator("#zone")).ToHaveValueAsync("Europe/Berlin");
        await page.Locator("#ranges input[value='7d']").CheckAsync();
        await Expect(page.Locator("#granularity")).ToHaveValueAsync("hour");
        await page.Locator("#granularity").SelectOptionAsync("day");
        await page.Locator("#zone").FillAsync("Asia/Kathmandu");
        await page.Locator("#zone").PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new Regex("range=7d&by=day&zone=Asia%2FKathmandu"));
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("2", Patiently);
        await page.Locator("#data summary").ClickAsync();
        var row = await page.Locator("#table tbody th").First.TextContentAsync();

        // In another tab, with the key and the link.
        var (restored, _) = await OpenAsync(key, new Uri(page.Url).Fragment, "en-GB", "America/New_York");
        await Expect(restored.Locator("#zone")).ToHaveValueAsync("Asia/Kathmandu");
        await Expect(restored.Locator("#granularity")).ToHaveValueAsync("day");
        await Expect(restored.Locator("#ranges input[value='7d']")).ToBeCheckedAsync();
        await restored.Locator("#data summary").ClickAsync();
        await Expect(restored.Locator("#table tbody th").First).ToHaveTextAsync(row!);

        // Back in the history is back in the view.
        await page.GoBackAsync();
        await Expect(page.Locator("#zone")).ToHaveValueAsync("Europe/Berlin");
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task A_custom_range_is_read_in_the_chosen_zone()
    {
        var (_, key) = await _node.MakeAdvertiserAsync();
        var (page, faults) = await OpenAsync(key, "#range=24h&by=hour&zone=America/New_York");
        await page.Locator("#ranges input[value='custom']").CheckAsync();
        await page.Locator("#from").FillAsync("2026-03-08T00:00");
        await page.Locator("#from").PressAsync("Tab");
        await page.Locator("#to").FillAsync("2026-03-09T00:00");
        await page.Locator("#to").PressAsync("Tab");
        await page.Locator("#granularity").SelectOptionAsync("hour");

        // The day on which the clocks are put forward has 23 hours.
        await Expect(page).ToHaveURLAsync(new Regex("from=2026-03-08T05%3A00%3A00.000Z&to=2026-03-09T04%3A00%3A00.000Z&by=hour"));
        await page.Locator("#data summary").ClickAsync();
        await Expect(page.Locator("#table tbody tr")).ToHaveCountAsync(23);
        await Expect(page.Locator("#connection")).ToHaveTextAsync("Past range");
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task Ads_are_picked_and_the_numbers_are_theirs()
    {
        var (first, key) = await _node.MakeAdvertiserAsync(ads: 3);
        await _node.CountAsync(first, 1);
        await _node.CountAsync(first + "-1", 2);
        await _node.CountAsync(first + "-2", 4);
        var (page, faults) = await OpenAsync(key, "#range=1h&by=minute");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("7", Patiently);
        await page.Locator("#ads-button").ClickAsync();
        await page.Locator($"#ads-list input[value='{first}']").CheckAsync();
        await page.Locator($"#ads-list input[value='{first}-2']").CheckAsync();
        await page.Locator("#ads-done").ClickAsync();
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("5", Patiently);
        await Expect(page.Locator("#ads-button")).ToHaveTextAsync("2 ads");

        // The largest of them alone.
        await page.Locator("#top button").First.ClickAsync();
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("4", Patiently);
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task The_CSV_is_what_the_API_gives_for_what_is_shown()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 3);
        var (page, _) = await OpenAsync(key, "#range=6h&by=quarter-hour&zone=UTC");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("3", Patiently);
        var asking = page.WaitForRequestAsync(request => request.Url.Contains("/clicks?", StringComparison.Ordinal) && request.Headers["accept"] == "text/csv");
        var download = await page.RunAndWaitForDownloadAsync(() => page.Locator("#csv").ClickAsync());
        Assert.Matches($"^clicks-adv-.*-\\d{{8}}T\\d{{4}}-\\d{{8}}T\\d{{4}}\\.csv$", download.SuggestedFilename);
        var saved = await File.ReadAllTextAsync(await download.PathAsync());

        using var again = new HttpRequestMessage(HttpMethod.Get, (await asking).Url);
        again.Headers.TryAddWithoutValidation("Accept", "text/csv");
        using var answer = await _node.Admin.SendAsync(again);
        Assert.Equal(await answer.Content.ReadAsStringAsync(), saved);
        Assert.StartsWith("start,state,clicks,duplicates,late,invalid", saved, StringComparison.Ordinal);
        Assert.Equal(3, saved.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1).Sum(line => int.Parse(line.Split(',')[2], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [BrowserFact]
    public async Task After_a_restart_of_the_gateway_the_page_goes_on_by_itself()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 1);
        var (page, faults) = await OpenAsync(key, "#range=1h&by=minute");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("1", Patiently);
        await Expect(page.Locator("#connection")).ToHaveTextAsync("Live", new() { Timeout = 60_000 });
        await _node.StopAsync();
        await Expect(page.Locator("#connection")).ToHaveTextAsync("Reconnecting…", new() { Timeout = 60_000 });
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("1");

        await _node.StartAsync();
        await Expect(page.Locator("#connection")).ToHaveTextAsync("Live", new() { Timeout = 60_000 });
        await _node.CountAsync(adId, 2);
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("2", Patiently);
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task Another_advertisers_ad_is_refused()
    {
        var (foreign, _) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(foreign, 1);
        var (adId, key) = await _node.MakeAdvertiserAsync();
        var (page, _) = await OpenAsync(key, $"#ads={foreign}&range=1h&by=minute");
        await Expect(page.Locator("#problem")).ToContainTextAsync($"Ad \"{foreign}\" is not one of the key's advertiser.");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("–");

        await page.GotoAsync($"/#ads={adId},{foreign}&range=1h&by=minute");
        await Expect(page.Locator("#problem")).ToContainTextAsync($"Ad \"{foreign}\" is not one of advertiser");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("–");

        // The advertiser in a link counts for administrators only.
        await page.GotoAsync("/#advertiser=somebody-else&range=1h&by=minute");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("0", Patiently);
    }

    [BrowserFact]
    public async Task Numbers_are_written_as_the_reader_writes_them()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 1);
        var (page, _) = await OpenAsync(key, "#range=1h&by=minute", locale: "de-DE");
        await Expect(page.Locator("#totals .clicks .tile-note")).ToContainTextAsync("100,0", new() { Timeout = 60_000 });
    }

    [BrowserFact]
    public async Task The_chart_is_read_by_keyboard()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 3);
        var (page, faults) = await OpenAsync(key, "#range=24h&by=hour");
        await Expect(Tile(page, "clicks")).ToHaveTextAsync("3", Patiently);
        await page.Locator("#chart").FocusAsync();
        await page.Keyboard.PressAsync("End");
        await Expect(page.Locator("#readout")).ToContainTextAsync("accepted");
        var newest = await page.Locator("#readout").TextContentAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Locator("#readout")).Not.ToHaveTextAsync(newest!);
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page.Locator("#readout")).ToHaveTextAsync(newest!);
        Assert.Empty(faults);
    }

    [BrowserFact]
    public async Task Axe_finds_no_serious_fault()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 2);
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            var (page, _) = await _browser.OpenAsync(_node.Address, scheme);
            await page.GotoAsync("/#range=1h&by=minute");
            await Expect(page.Locator("#sign-in")).ToBeVisibleAsync();
            await AssertAccessibleAsync(page);
            await SignInAsync(page, key);
            await Expect(page.Locator("#top tbody tr").First).ToContainTextAsync(adId, new() { Timeout = 60_000 });
            await page.Locator("#data summary").ClickAsync();
            await page.Locator("#ads-button").ClickAsync();
            await Expect(page.Locator("#ads-list label").First).ToBeVisibleAsync();
            await AssertAccessibleAsync(page);
            await page.SetViewportSizeAsync(390, 844);
            await AssertAccessibleAsync(page);
            await Chromium.UntilAsync(page, "document.documentElement.scrollWidth <= innerWidth"); // nothing sticks out
        }
    }

    [BrowserFact]
    public async Task The_operators_page_shows_the_node_and_is_accessible()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        await _node.CountAsync(adId, 5);
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            var (page, faults) = await _browser.OpenAsync(_node.Address, scheme);
            await page.GotoAsync("/operator");
            await page.Locator("#key").FillAsync(key);
            await page.Locator("#sign-in-form button").ClickAsync();
            await Expect(page.Locator("#sign-in-problem")).ToContainTextAsync("scope admin");
            await SignInAsync(page, RunningGateway.AdminKey);
            await Expect(page.Locator("#nodes tbody tr")).ToHaveCountAsync(1);
            await Expect(page.Locator("#partitions tbody tr")).ToHaveCountAsync(_node.PartitionCount);
            await Expect(page.Locator("#partitions tbody .badge.good")).ToHaveCountAsync(_node.PartitionCount, new() { Timeout = 60_000 });
            await Expect(page.Locator("#health li.good")).ToBeVisibleAsync();
            await Expect(Tile(page, "checkpoint")).Not.ToHaveTextAsync("–");
            await Expect(page.Locator("#chart canvas")).ToBeVisibleAsync();
            await AssertAccessibleAsync(page);
            Assert.Empty(faults);
        }
    }

    [BrowserFact]
    public async Task A_link_restores_its_view_after_signing_in()
    {
        var (adId, key) = await _node.MakeAdvertiserAsync();
        var (page, faults) = await _browser.OpenAsync(_node.Address);
        await page.GotoAsync($"/#ads={adId}&range=1h&by=minute&zone=UTC");
        await SignInAsync(page, key);
        await Expect(page.Locator("#ads-button")).ToHaveTextAsync(adId, new() { Timeout = 60_000 });
        await Expect(page.Locator("#zone")).ToHaveValueAsync("UTC");
        Assert.Empty(faults);
    }

    [GeneratedRegex("1\\s*1\\s*0\\s*1\\s*live")]
    private static partial Regex OneOfEach();

    private static ILocator Tile(IPage page, string name) => page.Locator($".tile.{name} .tile-value");

    private static async Task SignInAsync(IPage page, string key)
    {
        await page.Locator("#key").FillAsync(key);
        await page.Locator("#sign-in-form button").ClickAsync();
        await Expect(page.Locator("#dashboard")).ToBeVisibleAsync(new() { Timeout = 60_000 });
    }

    private static async Task AssertAccessibleAsync(IPage page)
    {
        var result = await page.RunAxe();
        var serious = result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {violation.Help} ({string.Join("; ", violation.Nodes.Select(node => node.Html))})");
        Assert.Empty(serious);
    }

    private async Task<(IPage Page, List<string> Faults)> OpenAsync(string key, string hash, string locale = "en-GB", string zone = "Europe/Berlin")
    {
        var (page, faults) = await _browser.OpenAsync(_node.Address, locale: locale, zone: zone);
        await page.GotoAsync("/" + hash);
        await SignInAsync(page, key);
        return (page, faults);
    }

    /// <summary>A node that keeps its address when it is started again.</summary>
    public sealed class Node : RunningGateway
    {
        private readonly int _port = ChildProcess.FreePort();
        private int _advertisers;

        /// <summary>Partitions of its click log.</summary>
        public int PartitionCount => Partitions;

        protected override IEnumerable<string> Settings => ["--urls", $"http://127.0.0.1:{_port}"];

        /// <summary>An advertiser with ads of its own, and a key.</summary>
        internal async Task<(string AdId, string Key)> MakeAdvertiserAsync(int ads = 1)
        {
            var number = Interlocked.Increment(ref _advertisers);
            var (adId, advertiserId) = ($"ad-{number}", $"adv-{number}");
            for (var i = 0; i < ads; i++)
            {
                await PutAdAsync(i == 0 ? adId : $"{adId}-{i}", advertiserId: advertiserId);
            }

            return (adId, await MakeKeyAsync("advertiser", advertiserId));
        }

        /// <summary>A key.</summary>
        internal async Task<string> MakeKeyAsync(string scope, string? advertiserId)
        {
            var name = $"k-{Guid.NewGuid():N}";
            using var answer = await Admin.PostAsync("/v1/keys", ApiHost.Json(JsonSerializer.Serialize(advertiserId is null ? (object)new { name, scope } : new { name, scope, advertiserId })));
            return (string)(await ApiHost.JsonOfAsync(answer, System.Net.HttpStatusCode.Created))["key"]!;
        }

        /// <summary>Has an ad clicked until it has so many accepted clicks in the answers.</summary>
        internal async Task CountAsync(string adId, int clicks)
        {
            var before = (await WaitForTotalsAsync(adId, _ => true, "totals")).GetProperty("clicks").GetInt32();
            for (var i = before; i < clicks; i++)
            {
                using var answer = await ClickAsync(await IssueAsync(adId));
            }

            await WaitForTotalsAsync(adId, totals => totals.GetProperty("clicks").GetInt32() == clicks, $"{clicks} clicks of {adId}");
        }
    }
}
