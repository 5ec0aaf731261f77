using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using AdClick.Actors.Partitions.Repartitioning;
using AdClick.Gateway.Hosting;
using Akka.Actor;
using Akka.Hosting;

namespace AdClick.Gateway.Commands;

/// <summary>
/// Changes the number of partitions of the click log, while no node runs (docs/operations.md). It may be killed at any moment: the node then starts on the
/// log that the counts belong to, and the command can be run again.
/// </summary>
internal static class RepartitionCommand
{
    // A node has seconds to stop; here the last checkpoints may take the time that they take.
    private static readonly TimeSpan HandOffTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Changes the embedded log; gives the exit code.</summary>
    /// <param name="partitions">New number of partitions, 1 to <see cref="EmbeddedClickLog.MaxPartitions"/>.</param>
    /// <param name="settings">Settings as for the node; the present number of partitions is the log's, whatever they say.</param>
    /// <param name="output">Where to say what is done.</param>
    /// <exception cref="StartupException">It can't be done; the message says why, and what to do.</exception>
    public static async Task<int> RunAsync(int partitions, string[] settings, TextWriter output)
    {
        var configuration = WebApplication.CreateBuilder(new WebApplicationOptions { Args = settings, ContentRootPath = AppContext.BaseDirectory }).Configuration;
        var options = SettingsReader.Read(configuration);
        if (!Directory.Exists(options.Data))
        {
            throw NoLog(options.Data);
        }

        using var folder = DataFolder.Open(options.Data);
        var folders = new EmbeddedLogFolders(folder.ClickLog);
        if (StartupDamage.Refuse(() => folders.FindCurrent() ?? folders.FindNext()) is null)
        {
            throw NoLog(options.Data);
        }

        await using var store = StartupDamage.Refuse(() => SqliteMetricsStore.Open(folder.Metrics, TimeProvider.System));
        SqliteFileCheck.Check(folder.Journal);
        SqliteFileCheck.Check(folder.Snapshots);
        try
        {
            var isFinished = await LogChange.FinishAsync(folder, store);
            if (isFinished)
            {
                output.WriteLine("A change that was interrupted is finished.");
            }

            var current = folders.FindCurrent() ?? throw NoLog(options.Data);
            if (current.Partitions != partitions)
            {
                await ChangeAsync(current, partitions, options, configuration, folder, store, output);
            }
            else if (!isFinished)
            {
                throw new StartupException($"The click log in {folders.Current} has {partitions} partitions already: there is nothing to change.");
            }
        }
        catch (Exception e) when (e is RepartitioningRefusedException or ClickLogDamagedException or ClickLogMismatchException or IOException
            or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The change to {partitions} partitions did not come through: {e.Message} Run the command again, or start the node: it goes on with the log "
                + "that the counts belong to.", e);
        }

        output.WriteLine($"The click log has {partitions} partitions: set AdClick:Partitions to {partitions} and start the node.");
        return 0;
    }

    private static async Task ChangeAsync(
        LogIdentity current,
        int partitions,
        GatewayOptions options,
        IConfiguration configuration,
        DataFolder folder,
        SqliteMetricsStore store,
        TextWriter output)
    {
        var folders = new EmbeddedLogFolders(folder.ClickLog);
        folders.DiscardNext(); // of a change that never got to the switch
        if ((await store.FindLogAsync(CancellationToken.None))?.Epoch == current.Epoch)
        {
            new SqliteFormerLogsPurge(folder.Journal, folder.Snapshots).PurgeAllBut(current.Epoch);
        }

        await using (var old = EmbeddedClickLog.Open(folders.Current, current.Partitions, TimeProvider.System))
        await using (var next = EmbeddedClickLog.Open(folders.Next, partitions, TimeProvider.System))
        {
            var counting = GatewayHost.Counting(options) with { HandOffTimeout = HandOffTimeout };
            var context = new PartitionContext(old, store, new PartitionBoard(), counting, TimeProvider.System);
            await MoveAsync(context, next, configuration, folder, output);
        }

        if (!await LogChange.FinishAsync(folder, store))
        {
            throw new InvalidOperationException("The store was switched, but not to the log that stands beside.");
        }

        output.WriteLine($"The clicks before the change are kept in {folders.FormerOf(current.Epoch)}.");
    }

    // Nothing in here knows which logs they are.
    private static async Task MoveAsync(PartitionContext old, IClickLog next, IConfiguration configuration, DataFolder folder, TextWriter output)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddAkka("adclick", akka =>
        {
            akka.ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            });
            akka.AddAdClickHocon(configuration)
                .AddHocon("akka.actor.provider = local", HoconAddMode.Prepend) // no cluster is needed to run partitions, and nobody is to join
                .AddAdClickSqlitePersistence(folder.Journal, folder.Snapshots);
        });
        using var host = builder.Build();
        await host.StartAsync();
        try
        {
            await new Repartitioner(host.Services.GetRequiredService<ActorSystem>(), old, next, output.WriteLine).RunAsync(CancellationToken.None);
        }
        finally
        {
            await host.StopAsync();
        }
    }

    private static StartupException NoLog(string data) => new(
        $"There is no click log in {Path.GetFullPath(data)}. Set AdClick:Data to the node's folder; a log that does not exist yet gets the number of "
        + "partitions that AdClick:Partitions says at the first start.");
}
