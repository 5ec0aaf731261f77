namespace AdClick.Actors.Hosting;

/// <summary>Everything that can be set under <c>AdClick:</c>, with its defaults. Checked once at start-up.</summary>
public sealed record AdClickOptions
{
    /// <summary>Folder of the log, the databases and generated keys. Default <c>./data</c>.</summary>
    public string Data { get; init; } = "./data";

    /// <summary>Base of click URLs, absolute http(s) without a query. Default: the first of <c>urls</c>; never the Host header.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Number of click log partitions, 1 to 1,024; fixed when the log is created. Default 8.</summary>
    public int Partitions { get; init; } = 8;

    /// <summary>How long an issued impression may be clicked. Default 24 h.</summary>
    public TimeSpan ImpressionLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How far a click may lag behind its partition's clock and still be counted at once. Default 1 h.</summary>
    public TimeSpan AllowedLateness { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Time between two writes of a partition's counts to the metrics store. Default 1 s.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between two checkpoints of a partition. Default 10 s.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long raw clicks stay in the embedded log after they are counted and checkpointed. Default 24 h.</summary>
    public TimeSpan ClickLogRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>API calls per second that one key may make; short bursts of twice as many pass. Default 200.</summary>
    public int RequestsPerSecondPerKey { get; init; } = 200;

    /// <summary>Addresses or networks (CIDR) of proxies whose <c>X-Forwarded-For</c> is believed. Default none.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];

    /// <summary>What this node does: <c>gateway</c>, <c>processor</c> or both. Default both.</summary>
    public IReadOnlyList<string> Roles { get; init; } = ["gateway", "processor"];
}
