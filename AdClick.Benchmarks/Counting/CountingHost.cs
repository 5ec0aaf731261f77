using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AdClick.Benchmarks.Counting;

/// <summary>The counting half of a node, put together of the same pieces as the gateway: log, metrics store, journal, partitions.</summary>
internal sealed class CountingHost : IAsyncDisposable
{
    private readonly IClickLog _log;
    private readonly SqliteMetricsStore _store;
    private readonly IHost _host;

    private CountingHost(IClickLog log, SqliteMetricsStore store, IHost host, PartitionBoard board)
    {
        _log = log;
        _store = store;
        _host = host;
        Board = board;
    }

    /// <summary>State of the partitions.</summary>
    public PartitionBoard Board { get; }

    /// <summary>What of a partition of the log can be read.</summary>
    public LogRange RangeOf(int partition) => _log.RangeOf(partition);

    /// <summary>Starts counting what is in a folder's own log.</summary>
    public static Task<CountingHost> StartAsync(CountingFolder folder) =>
        StartAsync(folder, EmbeddedClickLog.Open(folder.ClickLog, CountingFolder.Partitions, TimeProvider.System));

    /// <summary>Starts counting what is in a log.</summary>
    /// <param name="folder">Where metrics, journal and snapshots are.</param>
    /// <param name="log">The log, which is closed with the host.</param>
    public static async Task<CountingHost> StartAsync(CountingFolder folder, IClickLog log)
    {
        var store = SqliteMetricsStore.Open(folder.Metrics, TimeProvider.System);
        var board = new PartitionBoard();
        var context = new PartitionContext(log, store, board, new PartitionSettings(), TimeProvider.System);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddAkka("adclick", akka => akka
            .AddHocon("akka.loglevel = WARNING", HoconAddMode.Prepend)
            .AddAdClickHocon()
            .AddAdClickSqlitePersistence(folder.Journal, folder.Snapshots)
            .AddAdClickLocalCluster(["processor"])
            .AddAdClickCounting(context));
        var host = builder.Build();
        await host.StartAsync();
        return new CountingHost(log, store, host, board);
    }

    /// <summary>Waits until the board fulfils a condition.</summary>
    /// <exception cref="InvalidOperationException">A partition is paused.</exception>
    /// <exception cref="TimeoutException">It takes too long.</exception>
    public async Task WaitForAsync(Func<IReadOnlyList<PartitionStatus>, bool> condition, string what, TimeSpan patience)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var partitions = Board.Snapshot();
            if (partitions.FirstOrDefault(partition => partition.Phase == PartitionPhase.Paused) is { } paused)
            {
                throw new InvalidOperationException($"Partition {paused.Partition} is paused: {paused.Reason}");
            }

            if (condition(partitions))
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(started) > patience)
            {
                throw new TimeoutException($"Waited {patience} for {what}. The partitions say: {string.Join("; ", partitions)}");
            }

            await Task.Delay(5);
        }
    }

    /// <summary>Hands off, flushes, checkpoints and closes, as on SIGTERM.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _log.DisposeAsync();
        await _store.DisposeAsync();
    }
}
