namespace AdClick.Benchmarks.Processes;

/// <summary>A folder for one run, deleted at its end unless it is to be kept.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly bool _isKept;

    /// <summary>A new folder.</summary>
    /// <param name="parent">Where; null for the system's place for temporary files.</param>
    /// <param name="isKept">Whether it stays.</param>
    public TemporaryFolder(string? parent, bool isKept = false)
    {
        _isKept = isKept;
        Path = System.IO.Path.Combine(parent ?? System.IO.Path.GetTempPath(), $"adclick-benchmark-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path);
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isKept && Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
