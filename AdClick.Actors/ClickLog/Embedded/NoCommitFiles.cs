using FASTER.core;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// FasterLog writes a small file with each commit to know where the log ends. Here every record proves itself by offset and checksum, so no such file
/// is written, and none can be lost.
/// </summary>
internal sealed class NoCommitFiles : ILogCommitManager
{
    /// <inheritdoc/>
    public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata) { }

    /// <inheritdoc/>
    public byte[]? GetCommitMetadata(long commitNum) => null;

    /// <inheritdoc/>
    public IEnumerable<long> ListCommits() => [];

    /// <inheritdoc/>
    public void RemoveCommit(long commitNum) { }

    /// <inheritdoc/>
    public void RemoveAllCommits() { }

    /// <inheritdoc/>
    public void OnRecovery(long commitNum) { }

    /// <inheritdoc/>
    public void Dispose() { }
}
