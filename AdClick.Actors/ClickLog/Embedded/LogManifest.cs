using System.Text.Json;
using System.Text.Json.Serialization;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>Content of <c>log.json</c>: what the log is, written once when it is created.</summary>
/// <param name="Format">Version of the format; <see cref="CurrentFormat"/>.</param>
/// <param name="Epoch">ID of this log.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="PageBytes">Bytes of a page.</param>
/// <param name="SegmentBytes">Bytes of a segment file.</param>
internal sealed record LogManifest(int Format, Guid Epoch, int Partitions, int PageBytes, int SegmentBytes)
{
    /// <summary>The format that this code reads and writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Most partitions of a log.</summary>
    public const int MaxPartitions = 1024;

    private const string FileName = "log.json";
    private const int SmallestPageBytes = 16 * 1024;
    private const int LargePageBytes = 256 * 1024;
    private const int SmallPageBytes = 64 * 1024;
    private const int ManyPartitions = 64;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Sizes of pages and segments.</summary>
    [JsonIgnore]
    public LogLayout Layout => new(PageBytes, SegmentBytes);

    private bool HasValidSizes =>
        PageBytes >= SmallestPageBytes && int.IsPow2(PageBytes) && int.IsPow2(SegmentBytes) && SegmentBytes / 2 >= PageBytes;

    /// <summary>The log that a folder holds; null when there is none.</summary>
    /// <exception cref="ClickLogDamagedException">Its manifest can't be read.</exception>
    /// <exception cref="ClickLogMismatchException">It has another format.</exception>
    public static LogIdentity? FindIdentity(string folder)
    {
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) && Read(path) is var manifest ? new LogIdentity(manifest.Epoch, manifest.Partitions) : null;
    }

    /// <summary>Reads the manifest of a folder, or creates the log there.</summary>
    /// <exception cref="ClickLogDamagedException">The folder holds a log without a readable manifest.</exception>
    /// <exception cref="ClickLogMismatchException">The log has another number of partitions.</exception>
    public static LogManifest OpenOrCreate(string folder, int partitions, EmbeddedLogOptions options)
    {
        if (partitions is < 1 or > MaxPartitions)
        {
            throw new ArgumentOutOfRangeException(nameof(partitions), partitions, $"A click log has 1 to {MaxPartitions} partitions.");
        }

        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return Create(folder, path, partitions, options);
        }

        var manifest = Read(path);
        if (manifest.Partitions != partitions)
        {
            throw new ClickLogMismatchException(
                $"The click log in {folder} has {manifest.Partitions} partitions, but AdClick:Partitions asks for {partitions}. " +
                $"The number is fixed when a log is created: set AdClick:Partitions to {manifest.Partitions}, point AdClick:Data to another folder, or change the log with the command repartition.");
        }

        return manifest;
    }

    private static LogManifest Read(string path)
    {
        LogManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<LogManifest>(File.ReadAllBytes(path), Json);
        }
        catch (JsonException e)
        {
            throw Unreadable(path, e.Message, e);
        }

        if (manifest is not { Partitions: >= 1 and <= MaxPartitions })
        {
            throw Unreadable(path, "it names no partitions", null);
        }

        if (manifest.Format != CurrentFormat)
        {
            throw new ClickLogMismatchException(
                $"{path} describes a click log of format {manifest.Format}; this version of AdClick reads format {CurrentFormat}. " +
                "Start it with the version that wrote the log.");
        }

        return manifest.HasValidSizes ? manifest : throw Unreadable(path, "its page or segment size is impossible", null);
    }

    private static ClickLogDamagedException Unreadable(string path, string why, Exception? inner) =>
        new($"{path}, which says what the click log is, can't be read: {why}. Restore the file from a backup.", inner);

    private static LogManifest Create(string folder, string path, int partitions, EmbeddedLogOptions options)
    {
        var pageBytes = options.PageBytes ?? (partitions > ManyPartitions ? SmallPageBytes : LargePageBytes);
        var manifest = new LogManifest(CurrentFormat, Guid.NewGuid(), partitions, pageBytes, options.SegmentBytes);
        if (!manifest.HasValidSizes)
        {
            throw new ArgumentException(
                $"A page of {manifest.PageBytes} and a segment of {manifest.SegmentBytes} bytes don't fit: both are powers of two, " +
                $"the page at least {SmallestPageBytes}, the segment at least two pages.",
                nameof(options));
        }

        Directory.CreateDirectory(folder);
        var foreign = Directory.EnumerateFiles(folder, "clicks-*.log", SearchOption.AllDirectories)
            .FirstOrDefault(file => new FileInfo(file).Length > 0);
        if (foreign is not null)
        {
            throw new ClickLogDamagedException(
                $"{path} is missing, but {foreign} holds clicks. Restore log.json from a backup: it names the log that the saved counts belong to.");
        }

        // The manifest comes last: a crash before it leaves only empty files, and the next start begins anew.
        for (var partition = 0; partition < partitions; partition++)
        {
            new SegmentFiles(folder, partition, manifest.Layout).Create();
        }

        DurableFile.Replace(path, manifest, Json);
        if (Path.GetDirectoryName(folder) is { } parent)
        {
            FolderSync.Sync(parent);
        }

        return manifest;
    }
}
