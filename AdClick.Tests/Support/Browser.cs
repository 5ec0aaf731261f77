using AdClick.Benchmarks.Pages;
using Microsoft.Playwright;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>One Chromium for the tests of a collection; each test has a context, which is a profile of its own.</summary>
public sealed class Browser : IAsyncLifetime
{
    private Chromium? _chromium;

    public async Task InitializeAsync()
    {
        if (Chromium.Find(null) is { } path)
        {
            _chromium = await Chromium.StartAsync(path);
        }
    }

    public async Task DisposeAsync()
    {
        if (_chromium is not null)
        {
            await _chromium.DisposeAsync();
        }
    }

    /// <summary>A new page, and what goes wrong on it.</summary>
    internal async Task<(IPage Page, List<string> Faults)> OpenAsync(Uri address, ColorScheme scheme = ColorScheme.Light, string locale = "en-GB", string zone = "Europe/Berlin")
    {
        var context = await _chromium!.Instance.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = address.ToString(),
            ColorScheme = scheme,
            Locale = locale,
            TimezoneId = zone,
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
        });
        context.SetDefaultTimeout(60_000);
        var page = await context.NewPageAsync();
        var faults = new List<string>();
        page.PageError += (_, error) => faults.Add(error);
        page.Console += (_, message) =>
        {
            // That a call failed is for the page to tell its reader.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
            {
                faults.Add(message.Text);
            }
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address.ToString(), StringComparison.Ordinal) && !request.Url.StartsWith("blob:", StringComparison.Ordinal))
            {
                faults.Add($"Asked another host: {request.Url}");
            }
        };
        return (page, faults);
    }
}
