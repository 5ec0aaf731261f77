using AdClick.Gateway.Hosting;
using Microsoft.AspNetCore.Connections;

namespace AdClick.Gateway.Commands;

/// <summary>No word on the command line: take clicks, count them, answer questions.</summary>
internal static class ServeCommand
{
    /// <summary>Runs until it is told to stop; gives the exit code.</summary>
    public static async Task<int> RunAsync(string[] settings)
    {
        await using var host = await GatewayHost.BuildAsync(settings);
        var exit = host.Application.Services.GetRequiredService<ProcessExit>();
        var lifetime = host.Application.Lifetime;
        try
        {
            await host.Application.RunAsync();
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
}
