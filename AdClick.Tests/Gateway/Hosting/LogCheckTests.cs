using AdClick.Actors.Metrics;
using AdClick.Gateway.Hosting;
using AdClick.Tests.Support;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

/// <summary>A node never goes on with another log than the one that is counted (I1).</summary>
public sealed class LogCheckTests : IAsyncLifetime
{
    private readonly InMemoryClickLog _counted = new(2);
    private readonly InMemoryMetricsStore _store = new();
    private readonly ProcessExit _exit = new();
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);

    public Task InitializeAsync() => _store.AcquireAsync(_counted.Identity, 0, CancellationToken.None);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Another_log_is_refused_at_the_start()
    {
        var other = new InMemoryClickLog(2);
        using var check = Check(other);
        var refused = await Assert.ThrowsAsync<StartupException>(() => check.StartAsync(CancellationToken.None));
        Assert.Contains($"{_counted.Identity.Epoch}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{other.Identity.Epoch}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_log_is_fine()
    {
        using var check = Check(_counted);
        await check.StartAsync(CancellationToken.None);
        await check.StopAsync(CancellationToken.None);
        Assert.False(_lifetime.ApplicationStopping.IsCancellationRequested);
    }

    [Fact]
    public async Task Another_log_ends_the_process_once_the_database_is_back()
    {
        _store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        using var check = Check(new InMemoryClickLog(2));
        await check.StartAsync(CancellationToken.None);
        Assert.False(_lifetime.ApplicationStopping.IsCancellationRequested);

        var stopping = new TaskCompletionSource();
        using var registration = _lifetime.ApplicationStopping.Register(stopping.SetResult);
        _store.Fault = null;
        await stopping.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(StartupException.ExitCode, _exit.Code);
    }

    private LogCheck Check(InMemoryClickLog log) => new(_store, log, _exit, TimeProvider.System, _lifetime, NullLogger<LogCheck>.Instance);
}
