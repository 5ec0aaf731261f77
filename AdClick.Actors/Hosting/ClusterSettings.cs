namespace AdClick.Actors.Hosting;

/// <summary>How a node finds the others of its cluster, and how they find it.</summary>
public sealed record ClusterSettings
{
    /// <summary>Port of remoting unless another is given; 4053.</summary>
    public const int DefaultPort = 4053;

    /// <summary>Nodes to ask for the way into the cluster, as they are known by. Empty: the node forms a cluster, and waits for others.</summary>
    public IReadOnlyList<NodeAddress> Seeds { get; init; } = [];

    /// <summary>Where remoting listens. Default: loopback, port 4053.</summary>
    public NodeAddress Listen { get; init; } = new("127.0.0.1", DefaultPort);

    /// <summary>What the others know the node by, where that is another address: behind NAT, or in a container. Null: <see cref="Listen"/>.</summary>
    public NodeAddress? Public { get; init; }

    /// <summary>Whom the node speaks with, by TLS. Null: whoever can reach the port, in plain text.</summary>
    public ClusterTrust? Trust { get; init; }
}

/// <summary>Address of a node's remoting.</summary>
/// <param name="Host">Name or IP address; IPv6 without brackets.</param>
/// <param name="Port">Port.</param>
public readonly record struct NodeAddress(string Host, int Port)
{
    /// <inheritdoc/>
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
