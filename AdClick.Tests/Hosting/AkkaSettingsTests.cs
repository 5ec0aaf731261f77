using AdClick.Actors.Ads;
using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Persistence;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using Npgsql;
using Xunit;

namespace AdClick.Tests.Hosting;

/// <summary>What Akka.NET really runs on, after all that Akka.Hosting and plugins put on top of akka.hocon.</summary>
public sealed class AkkaSettingsTests(AkkaSettingsTests.NodeFixture fixture) : IClassFixture<AkkaSettingsTests.NodeFixture>
{
    private readonly CountingNode _node = fixture.Node;

    [Theory]
    [InlineData("akka.actor.provider", "cluster")]
    [InlineData("akka.actor.counting-dispatcher.type", "ForkJoinDispatcher")]
    [InlineData("akka.actor.persistence-dispatcher.type", "ForkJoinDispatcher")]
    [InlineData("akka.remote.dot-netty.tcp.hostname", "127.0.0.1")]
    [InlineData("akka.remote.dot-netty.tcp.port", "0")]
    [InlineData("akka.cluster.downing-provider-class", "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster")]
    [InlineData("akka.cluster.sharding.state-store-mode", "ddata")]
    [InlineData("akka.cluster.sharding.remember-entities", "off")]
    [InlineData("akka.cluster.sharding.passivate-idle-entity-after", "off")]
    [InlineData("akka.cluster.sharding.handoff-timeout", "20s")]
    [InlineData("akka.cluster.sharding.least-shard-allocation-strategy.rebalance-absolute-limit", "2")]
    [InlineData("akka.persistence.journal.plugin", "akka.persistence.journal.sqlite")]
    [InlineData("akka.persistence.snapshot-store.plugin", "akka.persistence.snapshot-store.sqlite")]
    [InlineData("akka.coordinated-shutdown.exit-clr", "off")]
    [InlineData("akka.coordinated-shutdown.phases.cluster-sharding-shutdown-region.timeout", "22s")]
    public void A_setting_is_in_effect(string path, string value) => Assert.Equal(value, _node.System.Settings.Config.GetString(path));

    [Theory]
    [InlineData("sqlite", "provider-name", "SQLite.MS")]
    [InlineData("sqlite", "parallelism", "1")]
    [InlineData("sqlite", "read-isolation-level", "read-uncommitted")]
    [InlineData("sqlite", "replay-batch-size", "20")]
    [InlineData("sqlite", "plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("sqlite", "materializer-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("sqlite", "circuit-breaker.call-timeout", "60s")]
    [InlineData("postgres", "provider-name", "PostgreSQL.15")]
    [InlineData("postgres", "parallelism", "4")]
    [InlineData("postgres", "auto-initialize", "off")]
    [InlineData("postgres", "default.schema-name", "adclick_journal")]
    [InlineData("postgres", "read-isolation-level", "read-committed")]
    [InlineData("postgres", "replay-batch-size", "20")]
    [InlineData("postgres", "tag-write-mode", "Csv")]
    [InlineData("postgres", "plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("postgres", "materializer-dispatcher", "akka.actor.persistence-dispatcher")]
    public void A_setting_of_the_journal_is_in_effect(string kind, string setting, string value) => Assert.Equal(
        value, PluginConfig(_node, "journal", kind).GetString(setting));

    [Theory]
    [InlineData("sqlite", "provider-name", "SQLite.MS")]
    [InlineData("sqlite", "read-isolation-level", "read-uncommitted")]
    [InlineData("sqlite", "plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("postgres", "provider-name", "PostgreSQL.15")]
    [InlineData("postgres", "auto-initialize", "off")]
    [InlineData("postgres", "default.schema-name", "adclick_journal")]
    [InlineData("postgres", "plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("postgres", "circuit-breaker.call-timeout", "60s")]
    public void A_setting_of_the_snapshot_store_is_in_effect(string kind, string setting, string value) => Assert.Equal(
        value, PluginConfig(_node, "snapshot-store", kind).GetString(setting));

    [Fact]
    public void A_connection_string_reaches_the_plugins_whatever_stands_in_it_and_leaves_what_the_operator_chose()
    {
        const string Password = """p"a\s${s}w=o'r;d#é""";
        var given = new NpgsqlConnectionStringBuilder { Host = "db.example", Password = Password, MaxPoolSize = 3 }.ConnectionString;
        var config = ConfigurationFactory.ParseString(AdClickAkkaExtensions.PostgresPersistence(given));
        foreach (var path in (string[])["journal", "snapshot-store"])
        {
            Assert.Equal($"akka.persistence.{path}.postgres", config.GetString($"akka.persistence.{path}.plugin"));
            var used = new NpgsqlConnectionStringBuilder(config.GetString($"akka.persistence.{path}.postgres.connection-string"));
            Assert.Equal(("db.example", Password, 3, "adclick journal"), (used.Host, used.Password, used.MaxPoolSize, used.ApplicationName));
        }

        Assert.Throws<ArgumentException>(() => AdClickAkkaExtensions.PostgresPersistence("Hostess=db.example"));
    }

    [Fact]
    public void Sharding_and_persistence_take_their_settings_from_there()
    {
        var sharding = ClusterShardingSettings.Create(_node.System);
        Assert.Equal(StateStoreMode.DData, sharding.StateStoreMode);
        Assert.Equal(TimeSpan.Zero, sharding.PassivateIdleEntityAfter);
        Assert.Equal(TimeSpan.FromSeconds(20), sharding.TuningParameters.HandOffTimeout);
        Assert.Equal(["processor"], Akka.Cluster.Cluster.Get(_node.System).SelfRoles);

        // Sharding ends what is left 5 s before its own time is over; a partition gives up before that.
        Assert.True(new PartitionSettings().HandOffTimeout < sharding.TuningParameters.HandOffTimeout - TimeSpan.FromSeconds(5));
        var journal = Persistence.Instance.Apply(_node.System).JournalFor(null);
        Assert.EndsWith("akka.persistence.journal.sqlite", journal.Path.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_environment_variable_overrides_a_setting_and_leaves_the_others()
    {
        using var folder = new TestFolder();
        await using var node = await StartAsync(folder, new Dictionary<string, string?>
        {
            // As the environment's provider gives AKKA__REMOTE__DOT_NETTY__TCP__HOSTNAME and so on.
            ["AKKA:REMOTE:DOT_NETTY:TCP:HOSTNAME"] = "localhost",
            ["AKKA:ACTOR:COUNTING_DISPATCHER:DEDICATED_THREAD_POOL:THREAD_COUNT"] = "3",
            ["AKKA:PERSISTENCE:JOURNAL:SQLITE:REPLAY_BATCH_SIZE"] = "7",
        });
        var config = node.System.Settings.Config;
        Assert.Equal("localhost", config.GetString("akka.remote.dot-netty.tcp.hostname"));
        Assert.Equal(3, config.GetInt("akka.actor.counting-dispatcher.dedicated-thread-pool.thread-count"));
        Assert.Equal(7, PluginConfig(node, "journal", "sqlite").GetInt("replay-batch-size"));
        Assert.Equal("ddata", config.GetString("akka.cluster.sharding.state-store-mode"));
        Assert.Equal("localhost", Akka.Cluster.Cluster.Get(node.System).SelfAddress.Host);
    }

    [Fact]
    public async Task A_journal_that_is_no_database_is_refused_by_name()
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder["journal.db"], new string('x', 5_000));
        var refused = Assert.Throws<MetricsStoreDamagedException>(
            () => AdClickAkkaExtensions.SqlitePersistence(folder["journal.db"], folder["snapshots.db"]));
        Assert.Contains(folder["journal.db"], refused.Message, StringComparison.Ordinal);
    }

    public static TheoryData<IPartitionMessage> Messages() => new()
    {
        new PartitionCommands.WakeUp(7),
        new PartitionDelta { Ads = { new AdDelta { AdId = "ad", SubShard = 3, Impressions = ByteString.CopyFromUtf8("123456789012345678901234") } } },
        new CheckpointReached
        {
            Offset = 1,
            ClockMs = 2,
            AllowedLatenessMs = 3,
            Marks = { new GatewayMarkState { Gateway = "g", TimeMs = 4, OpenFromMs = 5 } },
        },
        new NodeReport { Gateway = "g", Partitions = { new PartitionReport { Partition = 1, Phase = 2, Reason = "r", OwnerEpoch = 3, Lag = 4 } } },
        new PartitionOrder { Partition = 1, Pause = "admin at ::1" },
        new PartitionAnswer { Partition = 1, Done = true, Text = "t", SubShards = { new SubShardReport { SubShard = 3, Impressions = 4, SavedBytes = 5 } } },
        new PartitionSnapshot { Checkpoint = new CheckpointReached { Offset = 9 }, Ads = { new AdDelta { AdId = "ad" } } },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_that_is_stored_or_crosses_nodes_goes_through_our_serializer_and_comes_back_the_same(IPartitionMessage message)
    {
        var serialization = _node.System.Serialization;
        var serializer = Assert.IsType<PartitionSerializer>(serialization.FindSerializerFor(message));
        var bytes = serializer.ToBinary(message);
        Assert.Equal(message, serialization.Deserialize(bytes, serializer.Identifier, serializer.Manifest(message)));
    }

    [Fact]
    public void Every_message_of_a_partition_is_covered_above() => Assert.Equal(
        typeof(IPartitionMessage).Assembly.GetTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(IPartitionMessage))).Order(TypeNames),
        ((IEnumerable<object[]>)Messages()).Select(row => row[0].GetType()).Order(TypeNames));

    [Fact]
    public void Messages_within_a_partition_never_ask_for_a_serializer()
    {
        // They hold arrays and actor states; what is not marked would go through reflection under serialize-messages = on.
        var unmarked = typeof(PartitionActor).Assembly.GetTypes()
            .Where(type => type.DeclaringType is { } outer && type is { IsClass: true, IsSealed: true, IsAbstract: false }
                && (outer == typeof(AdCommands) || outer == typeof(AdEvents) || outer == typeof(PartitionCommands)))
            .Where(type => !type.IsAssignableTo(typeof(INoSerializationVerificationNeeded)) && !type.IsAssignableTo(typeof(IPartitionMessage)));
        Assert.Empty(unmarked);
    }

    // As Akka.Persistence puts it together for the plugin.
    private static Config PluginConfig(CountingNode node, string plugin, string kind)
    {
        var config = node.System.Settings.Config;
        return config.GetConfig($"akka.persistence.{plugin}.{kind}").WithFallback(config.GetConfig($"akka.persistence.{plugin}-plugin-fallback"));
    }

    private static readonly IComparer<Type> TypeNames = Comparer<Type>.Create((a, b) => string.CompareOrdinal(a.FullName, b.FullName));

    private static Task<CountingNode> StartAsync(TestFolder folder, Dictionary<string, string?> environment) => CountingNode.StartAsync(
        folder, new InMemoryClickLog(2), new InMemoryMetricsStore(),
        configuration: new ConfigurationBuilder().AddInMemoryCollection(environment).Build());

    public sealed class NodeFixture : IAsyncLifetime
    {
        private readonly TestFolder _folder = new();

        internal CountingNode Node { get; private set; } = null!;

        public async Task InitializeAsync() => Node = await StartAsync(_folder, []);

        public async Task DisposeAsync()
        {
            await Node.DisposeAsync();
            _folder.Dispose();
        }
    }
}
