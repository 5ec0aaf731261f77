using AdClick.Gateway.Operators.Console;
using AdClick.Gateway.Operators.PetabridgeConsole;
using Akka.Hosting;
using Petabridge.Cmd.Cluster;
using Petabridge.Cmd.Cluster.Sharding;
using Petabridge.Cmd.Host;

namespace AdClick.Gateway.Hosting;

// In builds with -p:PetabridgeCmd=true the node also serves the pbm of Petabridge.Cmd. That protocol knows no key, so it is served on loopback: whoever is logged in on the node may use it.
internal sealed partial class GatewayHost
{
    private const string PetabridgeHost = "127.0.0.1";
    private const int PetabridgePort = 9110;

    static partial void AddPetabridgeConsole(AkkaConfigurationBuilder akka, IServiceProvider provider) => akka.AddPetabridgeCmd(
        new PetabridgeCmdOptions { Host = PetabridgeHost, Port = PetabridgePort },
        console =>
        {
            console.RegisterCommandPalette(ClusterCommands.Instance);
            console.RegisterCommandPalette(ClusterShardingCommands.Instance);
            console.RegisterCommandPalette(new ClicksPaletteHandler(
                provider.GetRequiredService<OperatorCommands>(), provider.GetRequiredService<ILogger<ClicksPaletteHandler>>()));
        });
}
