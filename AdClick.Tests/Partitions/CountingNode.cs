using AdClick.Actors.ClickLog;
using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AdClick.Tests.Partitions;

/// <summary>A node that counts, made of the production extensions: cluster of one, sharded partitions, SQLite journal and snapshots.</summary>
internal sealed class CountingNode : IAsyncDisposable
{
    private readonly IHost _host;

    private CountingNode(IHost host, PartitionContext context)
    {
        _host = host;
        Context = context;
    }

    public PartitionContext Context { get; }

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <summary>Starts a node on the folder's journal.</summary>
    public static async Task<CountingNode> StartAsync(
        TestFolder folder,
        IClickLog log,
        IMetricsStore store,
        PartitionSettings? settings = null,
        IConfiguration? configuration = null,
        string hocon = "")
    {
        var context = new PartitionContext(log, store, new PartitionBoard(), settings ?? FastSettings, TimeProvider.System);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddAkka("adclick", akka => akka
            .AddHocon(Quiet + hocon, HoconAddMode.Prepend)
            .AddAdClickHocon(configuration)
            .AddAdClickSqlitePersistence(folder["journal.db"], folder["snapshots.db"])
            .AddAdClickLocalCluster(["processor"])
            .AddAdClickCounting(context));
        var node = new CountingNode(builder.Build(), context);
        await node._host.StartAsync();
        return node;
    }

    /// <summary>Intervals that make a test short.</summary>
    public static PartitionSettings FastSettings { get; } = new()
    {
        FlushInterval = TimeSpan.FromMilliseconds(10),
        CheckpointInterval = TimeSpan.FromMilliseconds(40),
        BatchLinger = TimeSpan.Zero,
        MinBackOff = TimeSpan.FromMilliseconds(10),
        MaxBackOff = TimeSpan.FromMilliseconds(100),
        StaleOwnerPause = TimeSpan.FromMilliseconds(100),
        HandOffTimeout = TimeSpan.FromHours(1), // one that hangs is to be seen
    };

    /// <summary>Akka's warnings about what a test does on purpose are nobody's business; and a system that is terminated stops on the spot.</summary>
    public const string Quiet =
        """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.loggers = []
        akka.coordinated-shutdown.run-by-actor-system-terminate = off

        """;

    /// <summary>Ends when the board fulfils the condition.</summary>
    public Task WaitForAsync(Func<IReadOnlyList<PartitionStatus>, bool> condition, string what) =>
        Board.WaitForAsync(Context.Board, condition, what);

    /// <summary>A graceful stop, as on SIGTERM.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    /// <summary>A stop without any hand-off, as by kill -9.</summary>
    public async Task KillAsync()
    {
        await System.Terminate();
        _host.Dispose();
    }
}
