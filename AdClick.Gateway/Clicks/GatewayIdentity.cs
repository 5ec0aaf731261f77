namespace AdClick.Gateway.Clicks;

/// <summary>Who this gateway is in the log's marks and clicks.</summary>
/// <param name="Name">
/// The same after a restart, so that the marks of the process before don't hold back what is complete. The embedded log has one gateway by its nature.
/// </param>
internal sealed record GatewayIdentity(string Name)
{
    /// <summary>The only gateway of an embedded log.</summary>
    public static readonly GatewayIdentity Embedded = new("embedded");
}
