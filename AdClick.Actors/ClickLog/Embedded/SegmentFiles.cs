using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>The segment files of one partition: their names, and what is done to them as files.</summary>
internal sealed class SegmentFiles
{
    private const string Prefix = "clicks-";
    private const string Suffix = ".log";

    /// <summary>The files of a partition.</summary>
    /// <param name="logFolder">Folder of the log.</param>
    /// <param name="partition">Partition.</param>
    /// <param name="layout">Sizes of pages and segments.</param>
    public SegmentFiles(string logFolder, int partition, LogLayout layout)
    {
        Folder = FolderOf(logFolder, partition);
        Partition = partition;
        Layout = layout;
    }

    /// <summary>Folder of the partition.</summary>
    public string Folder { get; }

    /// <summary>Partition.</summary>
    public int Partition { get; }

    /// <summary>Sizes of pages and segments.</summary>
    public LogLayout Layout { get; }

    /// <summary>Folder of a partition's segments.</summary>
    public static string FolderOf(string logFolder, int partition) =>
        Path.Combine(logFolder, string.Create(CultureInfo.InvariantCulture, $"partition-{partition:D3}"));

    /// <summary>Path of a segment.</summary>
    public string PathOf(int segment) => Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{segment:D10}{Suffix}"));

    /// <summary>File and byte of an address, for a person.</summary>
    public string PlaceOf(long address) =>
        string.Create(CultureInfo.InvariantCulture, $"{PathOf(Layout.SegmentOf(address))}, byte {Layout.PositionOf(address)}");

    /// <summary>Makes the folder with an empty first segment, so that a partition without a segment is always damage.</summary>
    public void Create()
    {
        Directory.CreateDirectory(Folder);
        File.Create(PathOf(0)).Dispose();
        FolderSync.Sync(Folder);
    }

    /// <summary>Numbers of the segments, ascending without a gap.</summary>
    /// <exception cref="ClickLogDamagedException">There are none, or one is missing in between.</exception>
    public List<int> List()
    {
        var segments = !Directory.Exists(Folder)
            ? []
            : Directory.EnumerateFiles(Folder, Prefix + "*" + Suffix)
                .Select(path => Path.GetFileNameWithoutExtension(path)[Prefix.Length..])
                .Select(number => int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture))
                .Order()
                .ToList();
        if (segments.Count == 0)
        {
            throw new ClickLogDamagedException(
                $"Partition {Partition} of the click log has no segment file in {Folder}, though the log was created with one. " +
                "Restore the folder from a backup.");
        }

        for (var i = 1; i < segments.Count; i++)
        {
            if (segments[i] != segments[i - 1] + 1)
            {
                throw new ClickLogDamagedException(
                    $"Partition {Partition} of the click log misses the segment {PathOf(segments[i - 1] + 1)}, though later ones are there. " +
                    "Restore the file from a backup.");
            }
        }

        return segments;
    }

    /// <summary>Opens a segment for reading, beside its writer and also while it is deleted.</summary>
    public SafeFileHandle OpenToRead(int segment) =>
        File.OpenHandle(PathOf(segment), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Opens a segment for writing such that a write returns when its bytes are on disk (O_SYNC), creating it if need be.</summary>
    public SafeFileHandle OpenToWrite(int segment)
    {
        var path = PathOf(segment);
        var isNew = !File.Exists(path);
        var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, FileOptions.WriteThrough);
        if (isNew)
        {
            FolderSync.Sync(Folder);
        }

        return handle;
    }

    /// <summary>Bytes of a segment.</summary>
    public long LengthOf(int segment) => new FileInfo(PathOf(segment)).Length;

    /// <summary>Removes everything at and after an address, durably: what a torn or failed write left there must never be read.</summary>
    public void CutAt(long address)
    {
        var last = Layout.SegmentOf(address - 1);
        foreach (var segment in List().Where(segment => segment > last).Reverse())
        {
            File.Delete(PathOf(segment));
        }

        var length = Layout.PositionOf(address - 1) + 1;
        using (var handle = OpenToWrite(last))
        {
            if (RandomAccess.GetLength(handle) > length)
            {
                RandomAccess.SetLength(handle, length);
            }

            RandomAccess.FlushToDisk(handle);
        }

        FolderSync.Sync(Folder);
    }

    /// <summary>Deletes segments, lowest first, so that a crash in between leaves no gap.</summary>
    public void Delete(int first, int until)
    {
        for (var segment = first; segment < until; segment++)
        {
            File.Delete(PathOf(segment));
        }

        FolderSync.Sync(Folder);
    }
}
