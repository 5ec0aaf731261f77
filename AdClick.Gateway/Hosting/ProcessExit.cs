namespace AdClick.Gateway.Hosting;

/// <summary>What the process ends with, if not with 0; docs/operations.md has the list.</summary>
internal sealed class ProcessExit
{
    /// <summary>The cluster goes on without this node: to be started again, as a new member.</summary>
    public const int LeftOut = 3;

    /// <summary>The exit code.</summary>
    public int Code { get; set; }
}
