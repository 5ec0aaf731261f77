using System.Net;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Hosting;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Lake.S3;

namespace AdClick.Gateway.Hosting;

/// <summary>Everything that can be set under <c>AdClick:</c>, with its defaults. Read and checked once, by <see cref="SettingsReader"/>.</summary>
public sealed record GatewayOptions
{
    /// <summary>Role of nodes that take clicks and calls.</summary>
    public const string GatewayRole = "gateway";

    /// <summary>Role of nodes that count.</summary>
    public const string ProcessorRole = AdClickAkkaExtensions.ProcessorRole;

    /// <summary>Where a node keeps its files unless it is told otherwise.</summary>
    public const string DefaultData = "./data";

    /// <summary>Folder of the log, the databases and the generated keys. Default <c>./data</c>.</summary>
    public string Data { get; init; } = DefaultData;

    /// <summary>The click log on Kafka, <c>AdClick:ClickLog=kafka</c>. Null: the embedded log in the data folder.</summary>
    public KafkaOptions? Kafka { get; init; }

    /// <summary>The database, <c>AdClick:Database=postgres</c>. Null: SQLite files in the data folder.</summary>
    public PostgresOptions? Postgres { get; init; }

    /// <summary>Base of click URLs, absolute http(s) without query or trailing slash. Null: the first of <c>urls</c>; never the Host header.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Key of the first administrator. Null: made at the first start and kept in the data folder.</summary>
    public string? AdminKey { get; init; }

    /// <summary>Keys for impression tokens and click IDs. Empty: one is made at the first start and kept in the data folder.</summary>
    public IReadOnlyList<SigningKeySetting> SigningKeys { get; init; } = [];

    /// <summary>ID of the key that signs; the others only verify. Null only while <see cref="SigningKeys"/> is empty.</summary>
    public string? SigningKeyId { get; init; }

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

    /// <summary>How long raw clicks stay in the embedded log after they are counted and checkpointed (Kafka keeps its own time). Default 24 h.</summary>
    public TimeSpan ClickLogRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Whether a partition goes on where the click log has let go of clicks before they were counted. Default false: it is paused.</summary>
    public bool SkipLostClicks { get; init; }

    /// <summary>The data lake. Null: raw clicks are kept in the click log alone.</summary>
    public LakeOptions? Lake { get; init; } = new("lake", new LakeSettings());

    /// <summary>How hours are re-counted from the lake.</summary>
    public ReconciliationOptions Reconciliation { get; init; } = new(IsScheduled: true, new RecountSettings(), new ReconciliationSchedule());

    /// <summary>Distinct clicked impressions per second from which on an ad is split, 10 to 1,000,000. Default 500.</summary>
    public int HotAdClicksPerSecond { get; init; } = 500;

    /// <summary>How long an ad must be that busy, in whole seconds. Default 5 s.</summary>
    public TimeSpan HotAdAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>API calls per second that one key may make; short bursts of twice as many pass. Default 200.</summary>
    public int RequestsPerSecondPerKey { get; init; } = 200;

    /// <summary>Streams of clicks that one key may have open on this node, 1 to 100,000. Default 500.</summary>
    public int LiveStreamsPerKey { get; init; } = 500;

    /// <summary>Streams of clicks that this node holds open, 1 to 100,000. Default 5,000.</summary>
    public int LiveStreams { get; init; } = 5_000;

    /// <summary>Networks of proxies whose <c>X-Forwarded-For</c> is believed. Default none.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>A listener of its own for <c>/metrics</c>, where it needs no key. Null: there is none, and <c>/metrics</c> needs an admin key.</summary>
    public Uri? MetricsUrl { get; init; }

    /// <summary>What the node does: takes clicks and answers questions, counts, or both. A node that is not in a cluster does both.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [GatewayRole, ProcessorRole];

    /// <summary>The cluster that the node is in. Null: it is the only one.</summary>
    public ClusterSettings? Cluster { get; init; }

    /// <summary>Whether the node takes clicks and calls.</summary>
    public bool IsGateway => Roles.Contains(GatewayRole);

    /// <summary>Whether the node counts.</summary>
    public bool IsProcessor => Roles.Contains(ProcessorRole);
}

/// <summary>The data lake: in a folder, unless a bucket is named.</summary>
/// <param name="Folder">Path, absolute or from the data folder.</param>
/// <param name="Settings">When clicks go to it.</param>
public sealed record LakeOptions(string Folder, LakeSettings Settings)
{
    /// <summary>The bucket, <c>AdClick:Lake:Storage=s3</c>. Null: the lake is in a folder.</summary>
    public S3LakeOptions? S3 { get; init; }

    /// <summary>How long raw clicks are kept, at least. Null: for ever.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>Opens it; nothing is read or written yet.</summary>
    /// <param name="dataFolder">The data folder.</param>
    public ILakeStorage Open(string dataFolder) => S3 is { } s3 ? new S3Lake(s3) : new FolderLake(Path.Combine(dataFolder, Folder));
}

/// <summary>Reconciliation.</summary>
/// <param name="IsScheduled">Whether hours are re-counted as they become due; otherwise only when somebody asks.</param>
/// <param name="Recount">What a run may take.</param>
/// <param name="Schedule">When hours are due.</param>
public sealed record ReconciliationOptions(bool IsScheduled, RecountSettings Recount, ReconciliationSchedule Schedule);

/// <summary>A configured signing key.</summary>
/// <param name="KeyId">ID that stands in every token.</param>
/// <param name="Secret">32 bytes; never printed.</param>
/// <param name="Advertisers">Advertisers whose ads it may sign for; null for all.</param>
public sealed record SigningKeySetting(string KeyId, byte[] Secret, IReadOnlySet<string>? Advertisers)
{
    /// <inheritdoc/>
    public override string ToString() => KeyId;
}
