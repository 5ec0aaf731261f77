using Microsoft.Playwright;

namespace AdClick.Benchmarks.Pages;

/// <summary>Screenshots of the pages for the documentation.</summary>
/// <param name="demo">The demo.</param>
/// <param name="browser">The browser.</param>
/// <param name="folder">Where they go.</param>
internal sealed class PageScreenshots(DemoProcess demo, Chromium browser, string folder)
{
    // The demo's ad goes viral a minute after the start, and the numbers have moved by then.
    private static readonly TimeSpan Traffic = TimeSpan.FromSeconds(100);

    /// <summary>Takes them.</summary>
    public async Task TakeAsync()
    {
        Directory.CreateDirectory(folder);
        await Task.Delay(Traffic);
        await TakeAsync("advertiser-light", "/#range=24h&by=quarter-hour", demo.AdvertiserKey, ColorScheme.Light, 1280, 900);
        await TakeAsync("advertiser-dark", "/#range=24h&by=quarter-hour", demo.AdvertiserKey, ColorScheme.Dark, 1280, 900);
        await TakeAsync("advertiser-phone", "/#range=24h&by=quarter-hour", demo.AdvertiserKey, ColorScheme.Light, 390, 844);
        await TakeAsync("operator-light", "/operator", demo.AdminKey, ColorScheme.Light, 1280, 900);
        await TakeAsync("operator-dark", "/operator", demo.AdminKey, ColorScheme.Dark, 1280, 900);
    }

    private async Task TakeAsync(string name, string path, string key, ColorScheme scheme, int width, int height)
    {
        await using var context = await browser.Instance.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = demo.Url,
            ColorScheme = scheme,
            Locale = "en-GB",
            TimezoneId = "Europe/Berlin",
            ViewportSize = new ViewportSize { Width = width, Height = height },
            DeviceScaleFactor = width < 500 ? 2 : 1,
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(path);
        await page.Locator("#key").FillAsync(key);
        await page.Locator("#sign-in-form button").ClickAsync();
        await page.Locator(".uplot").First.WaitForAsync();
        await page.Locator("#connection[data-state=live]").WaitForAsync();
        await page.Locator("tbody tr").First.WaitForAsync();
        if (path == "/operator")
        {
            await Task.Delay(TimeSpan.FromSeconds(20)); // some seconds of traffic beyond those that the node remembers
        }

        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }
}
