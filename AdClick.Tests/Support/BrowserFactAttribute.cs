using AdClick.Benchmarks.Pages;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test that needs Chromium; skipped with a reason where there is none.</summary>
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Chromium.Find(null) is null)
        {
            Skip = $"There is no Chromium: install the package chromium, or set {Chromium.Variable} to the path of one.";
        }
    }
}
