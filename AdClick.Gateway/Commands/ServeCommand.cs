using System.Runtime.InteropServices;
using AdClick.Gateway.Hosting;
using Microsoft.AspNetCore.Connections;

namespace AdClick.Gateway.Commands;

/// <summary>No word on the command line: take clicks, count them, answer questions.</summary>
internal static class ServeCommand
{
    /// <summary>Runs until it is told to stop; gives the exit code.</summary>
    /// <param name="settings">Settings, as command-line arguments.</param>
    /// <param name="beside">What else to do from when the node listens until it stops; null for nothing.</param>
    public static async Task<int> RunAsync(string[] settings, Func<GatewayHost, CancellationToken, Task>? beside = null)
    {
        await using var host = await BuildAsync(settings);
        if (host is null)
        {
            return 0;
        }

        var exit = host.Application.Services.GetRequiredService<ProcessExit>();
        var lifetime = host.Application.Lifetime;
        var besides = Task.CompletedTask;
        if (beside is not null)
        {
            lifetime.ApplicationStarted.Register(() => besides = beside(host, lifetime.ApplicationStopping));
        }

        try
        {
            await host.Application.RunAsync();
            await besides;
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop before it had started: there is nothing to finish.
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new StartupException($"{e.Message} Another program listens there; stop it, or set urls (or AdClick:MetricsUrl) to another address.", e);
        }

        return exit.Code;
    }

    /// <summary>The node, or null if it was told to stop while it was put together: there is nothing to finish then.</summary>
    private static async Task<GatewayHost?> BuildAsync(string[] settings)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        GatewayHost? host = null;
        try
        {
            host = await GatewayHost.BuildAsync(settings, stop.Token);
            stop.Token.ThrowIfCancellationRequested();
            return host;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }

            return null;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true; // the process ends by itself
            stop.Cancel();
        }
    }
}
