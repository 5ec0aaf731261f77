using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Load;

/// <summary>What a load run does.</summary>
internal sealed record LoadSettings
{
    /// <summary>
    /// Running gateways of one cluster, which share the connections; none: one is started. The first is asked for everything but clicks.
    /// </summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>Keys of the running gateway; made anew for one that is started.</summary>
    public required BenchmarkKeys Keys { get; init; }

    /// <summary>Path of the gateway's dll; null: where the build puts it.</summary>
    public string? Gateway { get; init; }

    /// <summary>Settings of the gateway that is started, <c>AdClick:Name=value</c>.</summary>
    public IReadOnlyList<string> GatewaySettings { get; init; } = [];

    /// <summary>A mock Kafka cluster that the started gateway has its click log on; null: the embedded log.</summary>
    public KafkaLoad? Kafka { get; init; }

    /// <summary>A database server that the started gateway works with; null: SQLite.</summary>
    public DatabaseLoad? Database { get; init; }

    /// <summary>Parent of the data folder; null: the system's place for temporary files.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether the data folder stays.</summary>
    public bool KeepsFolder { get; init; }

    /// <summary>Clicks per second; 0: as fast as possible.</summary>
    public double Rate { get; init; } = 10_000;

    /// <summary>Time of the load, set-up and check not counted.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Number of ads.</summary>
    public int Ads { get; init; } = 100_000;

    /// <summary>What the clicks are like.</summary>
    public ClickMix Mix { get; init; } = new();

    /// <summary>Number of connections; each has at most one click on its way.</summary>
    public int Connections { get; init; } = 128;

    /// <summary>How many times the gateway is killed.</summary>
    public int Kills { get; init; }

    /// <summary>How long to wait for complete counts at the end.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Draws ads, duplicates, bots and moments of death.</summary>
    public ulong Seed { get; init; } = 1;
}
