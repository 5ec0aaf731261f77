using System.CommandLine;

namespace AdClick.Benchmarks.Processes;

/// <summary>Options that all commands share which start a gateway or fill a folder.</summary>
internal static class GatewayOptions
{
    /// <summary>Where the gateway is.</summary>
    public static Option<string?> Assembly() =>
        new("--gateway") { Description = "Path of AdClick.Gateway.dll; by default the one that was built beside this program, in the same configuration." };

    /// <summary>Settings of the gateway.</summary>
    public static Option<string[]> Settings() =>
        new("--set") { Description = "Setting of the gateway that is started, NAME=VALUE, such as AdClick:CheckpointInterval=00:00:05; may be repeated." };

    /// <summary>Which disk is measured.</summary>
    public static Option<string?> Folder() =>
        new("--folder") { Description = "Existing folder in which a data folder is made; by default the system's place for temporary files." };
}
