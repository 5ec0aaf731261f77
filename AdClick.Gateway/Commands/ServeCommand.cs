using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Commands;

/// <summary>No word on the command line: take clicks, count them, answer questions.</summary>
internal static class ServeCommand
{
    /// <summary>Runs until it is told to stop; gives the exit code.</summary>
    public static async Task<int> RunAsync(string[] settings)
    {
        await using var host = GatewayHost.Build(settings);
        var watch = host.Application.Services.GetRequiredService<StartupWatch>();
        await host.Application.RunAsync();
        return watch.ExitCode;
    }
}
