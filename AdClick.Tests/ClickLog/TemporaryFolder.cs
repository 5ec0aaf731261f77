namespace AdClick.Tests.ClickLog;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("adclick-log-").FullName;

    public string Path { get; }

    /// <summary>Copies everything into a new folder, as a crash would leave it: whatever is in the files at that moment.</summary>
    public TemporaryFolder Copy()
    {
        // Listed before the first is copied: a segment that comes later would have a predecessor copied when it was half full, which no crash leaves.
        var files = Directory.GetFiles(Path, "*", SearchOption.AllDirectories);
        var copy = new TemporaryFolder();
        foreach (var folder in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(System.IO.Path.Combine(copy.Path, System.IO.Path.GetRelativePath(Path, folder)));
        }

        foreach (var file in files)
        {
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var target = File.Create(System.IO.Path.Combine(copy.Path, System.IO.Path.GetRelativePath(Path, file)));
            source.CopyTo(target);
        }

        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
