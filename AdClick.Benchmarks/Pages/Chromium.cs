using System.Diagnostics;
using Microsoft.Playwright;

namespace AdClick.Benchmarks.Pages;

/// <summary>A Chromium of the system, driven by Playwright: nothing is downloaded.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    /// <summary>Environment variable with the path of another one.</summary>
    public const string Variable = "ADCLICK_TEST_CHROMIUM";

    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly IPlaywright _playwright;

    private Chromium(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        Instance = browser;
    }

    /// <summary>The browser.</summary>
    public IBrowser Instance { get; }

    /// <summary>Path of a Chromium: as given, as the environment says, or where systems have it; null for none.</summary>
    public static string? Find(string? given)
    {
        var asked = given ?? Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(asked) ? Array.Find(Places, File.Exists) : File.Exists(asked) ? asked : null;
    }

    /// <summary>Starts one.</summary>
    /// <param name="path">Its path.</param>
    public static async Task<Chromium> StartAsync(string path)
    {
        var playwright = await Playwright.CreateAsync();
        try
        {
            // As root, in a container, Chromium's own sandbox does not start.
            var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = path,
                Args = Environment.UserName == "root" ? ["--no-sandbox", "--disable-dev-shm-usage"] : ["--disable-dev-shm-usage"],
            });
            return new Chromium(playwright, browser);
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    /// <summary>Waits until an expression is true on a page, frame by frame. (Playwright's own wait evaluates text on the page, which its policy forbids.)</summary>
    /// <exception cref="TimeoutException">It was not within a minute.</exception>
    public static async Task UntilAsync(IPage page, string expression)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await page.EvaluateAsync<bool>(expression))
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new TimeoutException($"Waited {Patience} for: {expression}");
            }

            await page.EvaluateAsync("new Promise((resolve) => requestAnimationFrame(() => resolve()))");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Instance.DisposeAsync();
        _playwright.Dispose();
    }
}
