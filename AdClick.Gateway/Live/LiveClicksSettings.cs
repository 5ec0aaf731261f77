namespace AdClick.Gateway.Live;

/// <summary>How streams of clicks behave.</summary>
internal sealed record LiveClicksSettings
{
    /// <summary>Most streams that one key may have open on this node. Default 500.</summary>
    public int StreamsPerKey { get; init; } = 500;

    /// <summary>Most streams that this node holds open. Default 5,000.</summary>
    public int Streams { get; init; } = 5_000;

    /// <summary>
    /// Time between two looks at the counts, however many look on. Default 500 ms: a click that is in the store within 2 s is on the page within 3 s.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Longest silence: then something is sent so that proxies keep the connection, and it is looked whether the key is still good. Default 3 s, as a
    /// revoked key is to be refused within 5 s, of which the key directory takes 2.
    /// </summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a feed without viewers is remembered, so that one who comes back gets what has changed rather than everything. Default 30 s.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(30);
}
