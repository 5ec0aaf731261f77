using AdClick.Actors.Clicks;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Clicks;

/// <summary>Who this gateway is in the log's marks and clicks.</summary>
/// <param name="Name">The same after a restart, so that the marks of the process before don't hold back what is complete.</param>
internal sealed record GatewayIdentity(string Name)
{
    private const string FileName = "gateway-id";

    /// <summary>The only gateway of an embedded log.</summary>
    public static readonly GatewayIdentity Embedded = new("embedded");

    /// <summary>The gateway of a data folder, which keeps its name: the clicks that are spooled there are that gateway's, too.</summary>
    /// <param name="folder">The data folder.</param>
    /// <exception cref="StartupException">The name can't be read or written.</exception>
    public static GatewayIdentity In(string folder)
    {
        var file = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(file))
            {
                // Whole or not at all.
                File.WriteAllText(file + ".new", $"g-{Guid.NewGuid():N}\n");
                File.Move(file + ".new", file);
            }

            var name = File.ReadAllText(file).Trim();
            return Ids.IsValid(name) ? new GatewayIdentity(name) : throw new StartupException(
                $"{file} does not hold the name of a gateway ({Ids.Rule}). Restore it from a backup, or delete it to have a new one made: until its allowed " +
                "lateness is over, the former name holds completeThrough back.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{file} can't be read or written: {e.Message}", e);
        }
    }
}
