using Xunit;

namespace AdClick.Tests.Support;

/// <summary>One API for a class of tests that don't change much; the active ad <c>a1</c> of advertiser <c>adv1</c> is there.</summary>
public sealed class ApiHostFixture : IAsyncLifetime
{
    internal ApiHost Host { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Host = await ApiHost.StartAsync();
        await Host.PutAdAsync("a1");
    }

    public async Task DisposeAsync() => await Host.DisposeAsync();
}
