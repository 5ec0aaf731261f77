namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>What is known of the lake, and the proofs that are made of it.</summary>
public sealed partial class SqliteMetricsStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<ArchivedLog>> ListArchivedLogsAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(SqliteLakeIndex.ListLogs, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<NotedLakeFile>> FindLakeFilesAsync(
        Guid logEpoch, IReadOnlyCollection<int>? partitions, int firstHour, int endHour, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteLakeIndex.FindFiles(database, logEpoch, partitions, firstHour, endHour), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LakeGap>> ListLakeGapsAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteLakeIndex.ListGaps(database, logEpoch), cancellationToken);

    /// <inheritdoc/>
    public Task<int> FindFirstKeptHourAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(database => (int)database.ReadInt64("SELECT first_hour FROM lake_upkeep"), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<(int Minute, long Clicks)>?> FindRepeatsAsync(string adId, int firstMinute, int endMinute, CancellationToken cancellationToken) =>
        _readers.RunAsync<IReadOnlyList<(int Minute, long Clicks)>?>(database => SqliteLakeIndex.FindRepeats(database, adId, firstMinute, endMinute, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<long?> TryTakeTurnAsync(TimeSpan length, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteLakeUpkeep.TryTakeTurn(database, length, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndTurnAsync(long turn, CancellationToken cancellationToken) =>
        RunAsync(database => SqliteLakeUpkeep.EndTurn(database, turn), cancellationToken);

    /// <inheritdoc/>
    public Task<int> LetGoOfHoursAsync(long turn, int firstHour, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteLakeUpkeep.LetGoOfHours(database, turn, firstHour, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListRemovalsAsync(long turn, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteLakeUpkeep.ListRemovals(database, turn, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndRemovalsAsync(long turn, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        RunAsync(database => SqliteLakeUpkeep.EndRemovals(database, turn, names, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task BeginRewriteAsync(long turn, NotedLakeFile file, string name, CancellationToken cancellationToken) =>
        RunAsync(database => SqliteLakeUpkeep.BeginRewrite(database, turn, file, name, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndRewriteAsync(long turn, NotedLakeFile file, LakeFile? replacement, int erasure, CancellationToken cancellationToken) =>
        RunAsync(database => SqliteLakeUpkeep.EndRewrite(database, turn, file, replacement, erasure, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<Erasure> RequestErasureAsync(string advertiserId, string requestedBy, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteLakeUpkeep.RequestErasure(database, advertiserId, requestedBy, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Erasure>> ListErasuresAsync(string? advertiserId, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteLakeUpkeep.ListErasures(database, advertiserId), cancellationToken);

    /// <inheritdoc/>
    public Task<long?> EraseCountsAsync(long turn, Erasure erasure, IReadOnlyCollection<string> adIds, long position, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteLakeUpkeep.EraseCounts(database, turn, erasure, adIds, position, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndErasureAsync(long turn, int erasure, CancellationToken cancellationToken) =>
        RunAsync(database => SqliteLakeUpkeep.EndErasure(database, turn, erasure, NowMs), cancellationToken);

    private Task<bool> RunAsync(Action<SqliteDatabase> work, CancellationToken cancellationToken) => _writer.RunAsync(
        database =>
        {
            work(database);
            return true;
        },
        cancellationToken);
}
