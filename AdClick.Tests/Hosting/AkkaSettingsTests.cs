using AdClick.Actors.Ads;
using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Persistence;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
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
    [InlineData("akka.persistence.journal.plugin", "akka.persistence.journal.sql")]
    [InlineData("akka.persistence.journal.sql.provider-name", "SQLite.MS")]
    [InlineData("akka.persistence.journal.sql.parallelism", "1")]
    [InlineData("akka.persistence.journal.sql.read-isolation-level", "read-uncommitted")]
    [InlineData("akka.persistence.journal.sql.write-isolation-level", "unspecified")]
    [InlineData("akka.persistence.journal.sql.replay-batch-size", "20")]
    [InlineData("akka.persistence.journal.sql.plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("akka.persistence.journal.sql.materializer-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("akka.persistence.snapshot-store.plugin", "akka.persistence.snapshot-store.sql")]
    [InlineData("akka.persistence.snapshot-store.sql.provider-name", "SQLite.MS")]
    [InlineData("akka.persistence.snapshot-store.sql.read-isolation-level", "read-uncommitted")]
    [InlineData("akka.persistence.snapshot-store.sql.plugin-dispatcher", "akka.actor.persistence-dispatcher")]
    [InlineData("akka.coordinated-shutdown.exit-clr", "off")]
    [InlineData("akka.coordinated-shutdown.phases.cluster-sharding-shutdown-region.timeout", "22s")]
    public void A_setting_is_in_effect(string path, string value) => Assert.Equal(value, _node.System.Settings.Config.GetString(path));

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
        Assert.EndsWith("akka.persistence.journal.sql", journal.Path.ToString(), StringComparison.Ordinal);
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
            ["AKKA:PERSISTENCE:JOURNAL:SQL:REPLAY_BATCH_SIZE"] = "7",
        });
        var config = node.System.Settings.Config;
        Assert.Equal("localhost", config.GetString("akka.remote.dot-netty.tcp.hostname"));
        Assert.Equal(3, config.GetInt("akka.actor.counting-dispatcher.dedicated-thread-pool.thread-count"));
        Assert.Equal(7, config.GetInt("akka.persistence.journal.sql.replay-batch-size"));
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
