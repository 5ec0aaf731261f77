using System.Globalization;
using System.Text.Json;
using AdClick.Actors.HotAds;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using Akka;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace AdClick.Actors.Hosting;

/// <summary>The pieces of the actor system, each an extension that the host and the tests share.</summary>
public static class AdClickAkkaExtensions
{
    /// <summary>Role of the nodes that count.</summary>
    public const string ProcessorRole = "processor";

    /// <summary>
    /// Adds <c>akka.hocon</c> from beside the executable, below what the section <c>akka</c> of the configuration overrides (<c>AKKA__…</c>).
    /// </summary>
    /// <param name="builder">Builder.</param>
    /// <param name="configuration">The host's configuration; null for none.</param>
    /// <exception cref="FileNotFoundException">The file is missing: the installation is incomplete.</exception>
    public static AkkaConfigurationBuilder AddAdClickHocon(this AkkaConfigurationBuilder builder, IConfiguration? configuration = null)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "akka.hocon");
        builder.AddHocon(ConfigurationFactory.ParseString(File.ReadAllText(file)), HoconAddMode.Append);
        builder.AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append);

        // An empty section would become an empty value that hides the whole file.
        var overrides = configuration?.GetSection("akka");
        return overrides is not null && overrides.GetChildren().Any() ? builder.AddHocon(overrides, HoconAddMode.Prepend) : builder;
    }

    /// <summary>Journal and snapshots in two SQLite files of a folder (one file would make snapshots wait for the journal's lock).</summary>
    /// <param name="builder">Builder.</param>
    /// <param name="journalFile">File of the journal.</param>
    /// <param name="snapshotFile">File of the snapshots.</param>
    /// <exception cref="MetricsStoreDamagedException">A file is not a database.</exception>
    /// <exception cref="MetricsStoreUnavailableException">A file can't be opened or written.</exception>
    public static AkkaConfigurationBuilder AddAdClickSqlitePersistence(
        this AkkaConfigurationBuilder builder, string journalFile, string snapshotFile) =>
        builder.AddHocon(SqlitePersistence(journalFile, snapshotFile), HoconAddMode.Prepend);

    /// <summary>Creates the two files if they are not there, and gives the settings that name them.</summary>
    internal static string SqlitePersistence(string journalFile, string snapshotFile)
    {
        foreach (var file in (string[])[journalFile, snapshotFile])
        {
            try
            {
                // Write-ahead logging is a property of the file: set once, it holds for every connection.
                using var connection = new SqliteConnection(ConnectionString(file));
                connection.Open();
                using var command = connection.CreateCommand();
                command.CommandText = "PRAGMA journal_mode = WAL";
                command.ExecuteNonQuery();
            }
            catch (SqliteException e)
            {
                throw SqliteErrors.ToException(file, e.SqliteExtendedErrorCode, e.Message);
            }
        }

        return Persistence("sqlite", ConnectionString(journalFile), ConnectionString(snapshotFile));
    }

    /// <summary>
    /// Journal and snapshots in the schema <c>adclick_journal</c> of a PostgreSQL database. Nothing is asked of the server before the first partition
    /// recovers, which also creates the tables; a server that is away is tried again with each start of a partition.
    /// </summary>
    /// <param name="builder">Builder.</param>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <exception cref="ArgumentException">It is not one.</exception>
    public static AkkaConfigurationBuilder AddAdClickPostgresPersistence(this AkkaConfigurationBuilder builder, string connectionString) =>
        builder.AddHocon(PostgresPersistence(connectionString), HoconAddMode.Prepend);

    /// <summary>The settings that name the server.</summary>
    internal static string PostgresPersistence(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (!settings.ShouldSerialize("Application Name"))
        {
            settings.ApplicationName = "adclick journal";
        }

        if (!settings.ShouldSerialize("Maximum Pool Size"))
        {
            // Writers and recoveries, four each, and snapshots of as many partitions again; journal and snapshot store share the pool.
            settings.MaxPoolSize = 12;
        }

        return Persistence("postgres", settings.ConnectionString, settings.ConnectionString);
    }

    /// <summary>A cluster of one on loopback: the node joins itself, and nobody else.</summary>
    public static AkkaConfigurationBuilder AddAdClickLocalCluster(this AkkaConfigurationBuilder builder, IReadOnlyList<string> roles) =>
        builder.WithClustering(new ClusterOptions { Roles = [.. roles] }).AddStartup((system, _) => Join(system, []));

    /// <summary>One of many nodes: it joins the cluster of its seeds or, without any, forms one that others can join.</summary>
    /// <param name="builder">Builder.</param>
    /// <param name="settings">Where it is, and whom it trusts.</param>
    /// <param name="roles">What it does.</param>
    /// <param name="counting">
    /// What its partitions will share: it joins when it has reached all of that, or tried to for a while. Null for a node that does not count.
    /// </param>
    public static AkkaConfigurationBuilder AddAdClickCluster(
        this AkkaConfigurationBuilder builder, ClusterSettings settings, IReadOnlyList<string> roles, PartitionContext? counting = null)
    {
        var known = settings.Public ?? settings.Listen;
        builder.AddHocon(
            $$"""
            akka.remote.dot-netty.tcp {
              hostname = {{Quoted(settings.Listen.Host)}}
              port = {{settings.Listen.Port}}
              public-hostname = {{Quoted(known.Host)}}
              public-port = {{known.Port}}
              enable-ssl = {{(settings.Trust is null ? "off" : "on")}}
            }
            """,
            HoconAddMode.Prepend);
        if (settings.Trust is { } trust)
        {
            builder.AddSetup(trust.ToSetup());
        }

        return builder.WithClustering(new ClusterOptions { Roles = [.. roles] }).AddStartup((system, registry) =>
        {
            // On nodes of every role: its messages go to all members, and what the gateways share about hot ads should not end with the last gateway.
            Akka.DistributedData.DistributedData.Get(system);
            _ = RehearseAndJoinAsync(system, settings.Seeds, counting);
        });
    }

    /// <summary>The partitions of the click log, sharded over the nodes with the role <c>processor</c>, and kept running.</summary>
    public static AkkaConfigurationBuilder AddAdClickCounting(this AkkaConfigurationBuilder builder, PartitionContext context)
    {
        builder.WithShardRegion<PartitionRegion>(
            PartitionRegion.TypeName,
            (_, _) => entityId => PartitionEntity.Props(context, int.Parse(entityId, CultureInfo.InvariantCulture)),
            new PartitionMessageExtractor(),
            new ShardOptions
            {
                Role = ProcessorRole,
                StateStoreMode = StateStoreMode.DData,
                HandOffStopMessage = PartitionCommands.HandOff.Instance,
                ShouldPassivateIdleEntities = false,
            });
        return builder.WithActors((system, registry) =>
        {
            var waker = system.ActorOf(
                PartitionWaker.Props(registry.Get<PartitionRegion>(), context.Log.Identity.Partitions, ProcessorRole), "partition-waker");

            // A region that is shutting down keeps messages for shards that have moved away, and waits for them to its time-out: no more of them
            // from here on.
            CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "stop-waking-partitions", async () =>
            {
                await waker.GracefulStop(TimeSpan.FromSeconds(3));
                return Done.Instance;
            });
        });
    }

    /// <summary>Finds hot ads and splits them; on every node with the role <c>gateway</c>.</summary>
    /// <param name="builder">Builder.</param>
    /// <param name="meter">What clicks and impressions are counted by.</param>
    /// <param name="table">Where the splits can be read.</param>
    /// <param name="settings">When an ad is hot.</param>
    /// <param name="time">Clock.</param>
    public static AkkaConfigurationBuilder AddAdClickHotAds(
        this AkkaConfigurationBuilder builder, TrafficMeter meter, SubShardTable table, HotAdSettings settings, TimeProvider time) =>
        builder.WithActors((system, registry) =>
            registry.Register<HotAdsActor>(system.ActorOf(HotAdsActor.Props(meter, table, settings, time), "hot-ads")));

    /// <summary>Re-counts hours as they become due, on one of the nodes with the role <c>processor</c>.</summary>
    /// <param name="builder">Builder.</param>
    /// <param name="reconciler">Does the runs.</param>
    /// <param name="store">Knows what was reconciled.</param>
    /// <param name="schedule">When hours are due.</param>
    /// <param name="state">Is told what there is to tell of it.</param>
    /// <param name="time">Clock.</param>
    public static AkkaConfigurationBuilder AddAdClickReconciliation(
        this AkkaConfigurationBuilder builder, Reconciler reconciler, IReconciliationStore store, ReconciliationSchedule schedule, ReconciliationState state, TimeProvider time) =>
        builder.WithSingleton<ReconciliationActor>(
            "reconciliation", (_, _, _) => ReconciliationActor.Props(reconciler, store, schedule, state, time), new ClusterSingletonOptions { Role = ProcessorRole },
            createProxyToo: false);

    /// <summary>Tells the other nodes what this one does, and notes what they say, on every node of a cluster.</summary>
    public static AkkaConfigurationBuilder AddAdClickNodeReports(this AkkaConfigurationBuilder builder, ClusterBoard board) =>
        builder.WithActors((system, _) => system.ActorOf(NodeReporter.Props(board), NodeReporter.Name));

    private static async Task RehearseAndJoinAsync(ActorSystem system, IReadOnlyList<NodeAddress> seeds, PartitionContext? counting)
    {
        if (counting is not null)
        {
            await Task.WhenAny(PartitionRehearsal.RunAsync(system, counting), system.WhenTerminated).ConfigureAwait(false);
        }

        if (!system.WhenTerminated.IsCompleted)
        {
            Join(system, seeds);
        }
    }

    private static void Join(ActorSystem system, IReadOnlyList<NodeAddress> seeds)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        if (seeds.Count == 0)
        {
            cluster.Join(cluster.SelfAddress);
        }
        else
        {
            // Protocol and system as ours: akka.ssl.tcp where the cluster speaks TLS.
            cluster.JoinSeedNodes(seeds.Select(seed => cluster.SelfAddress.WithHost(seed.Host).WithPort(seed.Port)));
        }
    }

    private static string Persistence(string kind, string journal, string snapshots) =>
        $$"""
        akka.persistence.journal.plugin = "akka.persistence.journal.{{kind}}"
        akka.persistence.journal.{{kind}}.connection-string = {{Quoted(journal)}}
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.{{kind}}"
        akka.persistence.snapshot-store.{{kind}}.connection-string = {{Quoted(snapshots)}}


        """;

    private static string ConnectionString(string file) =>
        new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(file), DefaultTimeout = 30 }.ToString();

    // HOCON's quoted strings are JSON's; a password may hold anything.
    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
