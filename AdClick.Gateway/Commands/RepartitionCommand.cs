using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Hosting;
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
internal sealed class RepartitionCommand
{
    // A node has seconds to stop; here the last checkpoints may take the time that they take.
    private static readonly TimeSpan HandOffTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PauseBetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly int _partitions;
    private readonly GatewayOptions _options;
    private readonly IConfiguration _configuration;
    private readonly DataFolder _folder;
    private readonly NodeStorage _storage;
    private readonly TextWriter _output;

    private RepartitionCommand(
        int partitions, GatewayOptions options, IConfiguration configuration, DataFolder folder, NodeStorage storage, TextWriter output)
    {
        _partitions = partitions;
        _options = options;
        _configuration = configuration;
        _folder = folder;
        _storage = storage;
        _output = output;
    }

    /// <summary>Changes the log; gives the exit code.</summary>
    /// <param name="partitions">New number of partitions, 1 to <see cref="EmbeddedClickLog.MaxPartitions"/>.</param>
    /// <param name="topic">With Kafka: name of the topic that takes the place of the present one; made if it is missing, and empty.</param>
    /// <param name="settings">Settings as for the node; the present number of partitions is the log's, whatever they say of an embedded one.</param>
    /// <param name="output">Where to say what is done.</param>
    /// <exception cref="StartupException">It can't be done; the message says why, and what to do.</exception>
    public static async Task<int> RunAsync(int partitions, string? topic, string[] settings, TextWriter output)
    {
        var configuration = WebApplication.CreateBuilder(new WebApplicationOptions { Args = settings, ContentRootPath = AppContext.BaseDirectory }).Configuration;
        var options = SettingsReader.Read(configuration);
        if (options.Kafka is null != topic is null)
        {
            throw new StartupException(topic is null
                ? "--topic is missing: with AdClick:ClickLog 'kafka', the clicks go on in another topic, which has the new number of partitions."
                : "--topic goes with AdClick:ClickLog 'kafka' only.");
        }

        if (!Directory.Exists(options.Data))
        {
            throw NoLog(options.Data);
        }

        using var folder = DataFolder.Open(options.Data);
        await using var storage = await NodeStorage.OpenAsync(options, folder, TimeProvider.System);
        var command = new RepartitionCommand(partitions, options, configuration, folder, storage, output);
        try
        {
            await (options.Kafka is { } kafka ? command.ChangeTopicAsync(kafka, topic!) : command.ChangeEmbeddedAsync());
        }
        catch (Exception e) when (e is RepartitioningRefusedException or ClickLogDamagedException or ClickLogMismatchException or KafkaTopicRefusedException
            or IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The change to {partitions} partitions did not come through: {e.Message} Run the command again, or start the node: it goes on with the log "
                + "that the counts belong to.", e);
        }

        output.WriteLine(
            $"The click log has {partitions} partitions: set AdClick:Partitions to {partitions}"
            + (topic is null ? "" : $" and AdClick:Kafka:Topic to {topic}, on every node,") + " and start the node.");
        return 0;
    }

    private async Task ChangeEmbeddedAsync()
    {
        var folders = new EmbeddedLogFolders(_folder.ClickLog);
        if (StartupDamage.Refuse(() => folders.FindCurrent() ?? folders.FindNext()) is null)
        {
            throw NoLog(_options.Data);
        }

        var isFinished = await LogChange.FinishAsync(_folder, _storage.Metrics, _storage.FormerLogsPurge);
        if (isFinished)
        {
            _output.WriteLine("A change that was interrupted is finished.");
        }

        var current = folders.FindCurrent() ?? throw NoLog(_options.Data);
        if (current.Partitions == _partitions)
        {
            if (!isFinished)
            {
                throw new StartupException($"The click log in {folders.Current} has {_partitions} partitions already: there is nothing to change.");
            }

            return;
        }

        folders.DiscardNext(); // of a change that never got to the switch
        await PurgeBesideAsync(current);
        await using (var old = EmbeddedClickLog.Open(folders.Current, current.Partitions, TimeProvider.System))
        await using (var next = EmbeddedClickLog.Open(folders.Next, _partitions, TimeProvider.System))
        {
            await MoveAsync(old, next);
        }

        if (!await LogChange.FinishAsync(_folder, _storage.Metrics, _storage.FormerLogsPurge))
        {
            throw new InvalidOperationException("The store was switched, but not to the log that stands beside.");
        }

        _output.WriteLine($"The clicks before the change are kept in {folders.FormerOf(current.Epoch)}.");
    }

    private async Task ChangeTopicAsync(KafkaOptions current, string topic)
    {
        if (topic == current.Topic)
        {
            throw new StartupException($"'{topic}' is the present topic: name another, which takes its place.");
        }

        // The new topic is remembered beside until the store has switched to it.
        var beside = Path.Combine(_folder.Path, "repartition");
        if (Directory.Exists(beside))
        {
            Directory.Delete(beside, recursive: true);
        }

        var wanted = current with { Topic = topic, Partitions = _partitions, SpoolFolder = Path.Combine(beside, "spool") };
        LogIdentity identity;
        await using (var next = await OpenAsync(wanted, beside))
        {
            identity = next.Identity;
            if ((await _storage.Metrics.FindLogAsync(CancellationToken.None))?.Epoch != identity.Epoch)
            {
                await using var old = await OpenAsync(current, _folder.Path);
                await EmptySpoolAsync(old);
                await PurgeBesideAsync(old.Identity);
                await MoveAsync(old, next);
            }
        }

        await _storage.FormerLogsPurge.PurgeAllButAsync(identity.Epoch, CancellationToken.None);
        RememberedTopic.Replace(_folder.Path, wanted, identity);
        Directory.Delete(beside, recursive: true);
        _output.WriteLine($"The clicks before the change stay in topic {current.Topic} for its retention.");
    }

    private Task<KafkaClickLog> OpenAsync(KafkaOptions kafka, string folder) =>
        KafkaClickLog.OpenAsync(kafka, folder, _options.ImpressionLifetime + _options.AllowedLateness, TimeProvider.System);

    // What other gateways have spooled goes to the new topic when they start; this one's may as well be counted before.
    private async Task EmptySpoolAsync(KafkaClickLog log)
    {
        if (log.SpooledFromMs is not null)
        {
            _output.WriteLine("Waiting for Kafka to take the clicks that are spooled here.");
        }

        while (log.SpooledFromMs is not null)
        {
            await Task.Delay(PauseBetweenLooks);
        }
    }

    private async Task PurgeBesideAsync(LogIdentity current)
    {
        if ((await _storage.Metrics.FindLogAsync(CancellationToken.None))?.Epoch == current.Epoch)
        {
            await _storage.FormerLogsPurge.PurgeAllButAsync(current.Epoch, CancellationToken.None);
        }
    }

    private async Task MoveAsync(IClickLog old, IClickLog next)
    {
        var counting = GatewayHost.Counting(_options) with { HandOffTimeout = HandOffTimeout };
        using var logging = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Warning).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var lake = _options.Lake?.Open(_folder.Path);
        using var closing = lake as IDisposable;
        await using var archive = GatewayHost.OpenArchive(_options, lake, TimeProvider.System, _storage, old, logging);
        var context = new PartitionContext(old, _storage.Metrics, new PartitionBoard(), counting, TimeProvider.System) { Archive = archive };
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
            akka.AddAdClickHocon(_configuration)
                .AddHocon("akka.actor.provider = local", HoconAddMode.Prepend); // no cluster is needed to run partitions, and nobody is to join
            _storage.AddPersistence(akka);
        });
        using var host = builder.Build();
        await host.StartAsync();
        try
        {
            await new Repartitioner(host.Services.GetRequiredService<ActorSystem>(), context, next, _output.WriteLine).RunAsync(CancellationToken.None);
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
