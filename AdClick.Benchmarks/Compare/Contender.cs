using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Compare;

/// <summary>Something that takes clicks and redirects them.</summary>
/// <param name="Name">Name in the report.</param>
/// <param name="What">What it is, in a few words.</param>
/// <param name="StartAsync">Starts it in an empty folder, and waits until it takes clicks.</param>
internal sealed record Contender(string Name, string What, Func<ContenderPlace, Task<RunningContender>> StartAsync);

/// <summary>What a contender is started with.</summary>
/// <param name="Folder">Its folder, in which everything lies that it writes.</param>
/// <param name="Keys">Keys that tokens are signed with.</param>
/// <param name="Ads">The ads that will be clicked.</param>
/// <param name="Lifetime">Lifetime of impressions.</param>
/// <param name="Gateway">Path of the gateway's dll; null: where the build puts it.</param>
/// <param name="GatewaySettings">Settings of the gateway.</param>
internal sealed record ContenderPlace(
    string Folder, BenchmarkKeys Keys, LoadAds Ads, TimeSpan Lifetime, string? Gateway, IReadOnlyList<string> GatewaySettings);

/// <summary>A contender that takes clicks.</summary>
/// <param name="url">Where.</param>
/// <param name="processes">Its processes, without their children, which are found.</param>
/// <param name="checkAsync">Says what is true of its counts, when given what was sent, since when, and the time of the last answer.</param>
/// <param name="parts">What is to be disposed of at the end, the last first.</param>
internal sealed class RunningContender(
    string url, IReadOnlyList<int> processes, Func<ClickLedger, DateTimeOffset, DateTimeOffset, Task<string>> checkAsync, params IReadOnlyList<object> parts) : IAsyncDisposable
{
    /// <summary>Base URL.</summary>
    public Uri Url { get; } = new(url);

    /// <summary>Its processes.</summary>
    public IReadOnlyList<int> Processes => processes;

    /// <summary>Compares its counts with what was sent; gives the verdict in a few words.</summary>
    public Task<string> CheckAsync(ClickLedger ledger, DateTimeOffset from, DateTimeOffset through) => checkAsync(ledger, from, through);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var part in parts.Reverse())
        {
            if (part is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync();
            }
            else
            {
                ((IDisposable)part).Dispose();
            }
        }
    }
}
