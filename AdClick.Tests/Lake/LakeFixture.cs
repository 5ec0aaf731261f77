using AdClick.Actors.ClickLog;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace AdClick.Tests.Lake;

/// <summary>A log in memory, a SQLite store, and a lake in a folder.</summary>
internal sealed class LakeFixture : IAsyncDisposable
{
    public static readonly LakeSettings Fast = new()
    {
        MaxRows = 7,
        PollInterval = TimeSpan.FromMilliseconds(1),
        MinBackOff = TimeSpan.FromMilliseconds(1),
        MaxBackOff = TimeSpan.FromMilliseconds(20),
    };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TestFolder _folder = new();

    public LakeFixture(int partitions = 1, InMemoryClickLog? log = null)
    {
        Log = log ?? new InMemoryClickLog(partitions);
        Store = SqliteMetricsStore.Open(_folder["metrics.db"], TimeProvider.System);
        Storage = new FolderLake(Lake);
    }

    public InMemoryClickLog Log { get; }

    public SqliteMetricsStore Store { get; }

    public FolderLake Storage { get; }

    /// <summary>Path of the lake.</summary>
    public string Lake => _folder["lake"];

    /// <summary>Names of all files in the lake, unfinished ones too.</summary>
    public string[] Files => Directory.Exists(Lake)
        ? [.. Directory.GetFiles(Lake, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Lake, path)).Order(StringComparer.Ordinal)]
        : [];

    public LakeArchive Open(LakeSettings? settings = null, ILakeStorage? storage = null, IArchiveStore? store = null) =>
        new(Log, store ?? Store, storage ?? Storage, settings ?? Fast, TimeProvider.System, NullLogger.Instance);

    /// <summary>Takes all partitions over, as their entities do.</summary>
    public async Task<IReadOnlyList<IDisposable>> StartAsync(LakeArchive archive)
    {
        var handles = new List<IDisposable>();
        for (var partition = 0; partition < Log.Identity.Partitions; partition++)
        {
            var acquired = await Store.AcquireAsync(Log.Identity, partition, CancellationToken.None);
            await archive.PrepareAsync(acquired, Log.RangeOf(partition), CancellationToken.None).WaitAsync(Patience);
            handles.Add(archive.Start(acquired));
        }

        return handles;
    }

    /// <summary>Ends when the whole log is archived.</summary>
    public async Task DrainAsync(LakeArchive archive, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        await archive.DrainAsync([.. Enumerable.Range(0, Log.Identity.Partitions).Select(Log.RangeOf)], _ => { }, patience.Token);
    }

    /// <summary>Archives the whole log by an owner of its own.</summary>
    public async Task ArchiveAllAsync(LakeSettings? settings = null)
    {
        await using var archive = Open(settings);
        await StartAsync(archive);
        await DrainAsync(archive);
    }

    /// <summary>The lake holds every record of the log once, as it stands there, and no file but those that the store names.</summary>
    public async Task AssertIsTheLogAsync()
    {
        var (clicks, rejected) = await LakeReader.ExpectAsync(Log, partition => Log.RangeOf(partition).End);
        Assert.Equal(clicks, LakeReader.Clicks(Lake));
        Assert.Equal(rejected, LakeReader.Rejected(Lake));
        var noted = new List<string>();
        for (var partition = 0; partition < Log.Identity.Partitions; partition++)
        {
            var epoch = (await Store.ReadProgressAsync(Log.Identity.Epoch, default)).Single(row => row.Partition == partition).OwnerEpoch;
            noted.AddRange(await Store.ListLakeFilesAsync(new ArchiveOwner(Log.Identity.Epoch, partition, epoch), default));
        }

        Assert.Equal(noted.Order(StringComparer.Ordinal), Files);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _folder.Dispose();
    }
}
