using System.Globalization;
using Microsoft.Playwright;

namespace AdClick.Benchmarks.Pages;

/// <summary>What a first visit weighs, how soon a page can be used, and how long its chart takes to draw.</summary>
/// <param name="demo">The demo.</param>
/// <param name="browser">The browser.</param>
/// <param name="output">Takes the report, a line for each figure.</param>
internal sealed class PageMeasurement(DemoProcess demo, Chromium browser, TextWriter output)
{
    private const int Visits = 5;
    private const int Redraws = 20;

    // The time that the whole task took in which the chart was drawn, layout and painting of the canvas included, up to the next frame.
    private const string RedrawScript = """
        async (zones) => {
          const zone = document.getElementById('zone');
          const times = [];
          const calls = [];
          for (const name of zones) {
            performance.clearMeasures('adclick-redraw');
            const drawn = new Promise((resolve) => new PerformanceObserver((list, observer) => { observer.disconnect(); resolve(list.getEntries()[0]); }).observe({ type: 'measure' }));
            zone.value = name;
            zone.dispatchEvent(new Event('change', { bubbles: true }));
            const entry = await drawn;
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            times.push(performance.now() - entry.startTime);
            calls.push(entry.duration);
          }
          return [times, calls];
        }
        """;

    /// <summary>Measures.</summary>
    public async Task RunAsync()
    {
        foreach (var path in (string[])["/", "/operator"])
        {
            await MeasureVisitsAsync(path);
        }

        await MeasureRedrawsAsync("a year by day", "1y", "day");
        await MeasureRedrawsAsync("24 h by minute", "24h", "minute");
        await MeasureArrivalAsync();
    }

    private async Task MeasureVisitsAsync(string path)
    {
        var bytes = 0L;
        var interactive = new List<double>();
        for (var i = 0; i < Visits; i++)
        {
            await using var context = await browser.Instance.NewContextAsync(new BrowserNewContextOptions { BaseURL = demo.Url }); // with an empty cache
            var page = await context.NewPageAsync();
            await page.GotoAsync(path, new PageGotoOptions { WaitUntil = WaitUntilState.Load });
            await Chromium.UntilAsync(page, "performance.getEntriesByName('adclick-interactive').length > 0");
            interactive.Add(await page.EvaluateAsync<double>("performance.getEntriesByName('adclick-interactive')[0].startTime"));
            bytes = await page.EvaluateAsync<long>(
                "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, entry) => sum + entry.transferSize, 0)");
        }

        await SayAsync(string.Create(CultureInfo.InvariantCulture, $"{path}: first visit {bytes / 1024.0:0.0} KiB with headers, can be used after"), interactive);
    }

    private async Task MeasureRedrawsAsync(string what, string range, string granularity)
    {
        await using var context = await browser.Instance.NewContextAsync(new BrowserNewContextOptions { BaseURL = demo.Url, ViewportSize = new ViewportSize { Width = 1280, Height = 900 } });
        var page = await OpenAsync(context, $"/#range={range}&by={granularity}&zone=UTC");
        await page.WaitForSelectorAsync(".uplot");

        // Another zone is another range: everything is asked for, built and drawn anew.
        string[] zones = [.. Enumerable.Range(0, Redraws).Select(i => i % 2 == 0 ? "Europe/Berlin" : "UTC")];
        var times = await page.EvaluateAsync<double[][]>(RedrawScript, zones);
        await SayAsync($"{what}: redraw up to the next frame", times[0]);
        await SayAsync($"{what}: of which script", times[1]);
    }

    private async Task MeasureArrivalAsync()
    {
        // From the answer to a click to the changed number on the page.
        await using var context = await browser.Instance.NewContextAsync(new BrowserNewContextOptions { BaseURL = demo.Url });
        const string Quiet = "bs-quiet";
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(demo.Url) };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {demo.AdminKey}");
        http.DefaultRequestHeaders.Add("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0");
        using (var put = await http.PutAsync($"/v1/ads/{Quiet}", Json($$"""{"advertiserId": "{{DemoProcess.Advertiser}}", "name": "Quiet", "targetUrl": "https://brightside.example/", "status": "active"}""")))
        {
            put.EnsureSuccessStatusCode();
        }

        var page = await OpenAsync(context, $"/#ads={Quiet}&range=1h&by=minute");
        await Chromium.UntilAsync(page, "document.querySelector('#connection').textContent === 'Live'");
        var times = new List<double>();
        for (var i = 1; i <= Redraws; i++)
        {
            using var issued = await http.PostAsync("/v1/impressions", Json($$"""{"adId": "{{Quiet}}"}"""));
            using var body = System.Text.Json.JsonDocument.Parse(await issued.Content.ReadAsStringAsync());
            var url = body.RootElement.GetProperty("impressions")[0].GetProperty("clickUrl").GetString()!;
            using var click = await http.GetAsync(new Uri(url));
            var started = System.Diagnostics.Stopwatch.GetTimestamp();
            await Chromium.UntilAsync(page, $"document.querySelector('.tile.clicks .tile-value').textContent === '{i}'");
            times.Add(System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        await SayAsync("a click is on the page after its redirect", times);
    }

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    private async Task<IPage> OpenAsync(IBrowserContext context, string path)
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync(path);
        await page.Locator("#key").FillAsync(demo.AdvertiserKey);
        await page.Locator("#sign-in-form button").ClickAsync();
        await page.Locator("#dashboard").WaitForAsync();
        return page;
    }

    private Task SayAsync(string what, IReadOnlyList<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToList();
        return output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{what}: median {sorted[sorted.Count / 2]:0} ms, longest {sorted[^1]:0} ms"));
    }
}
