namespace AdClick.Actors.Metrics.Postgres;

/// <summary>What is known of the lake, and the proofs that are made of it.</summary>
public sealed partial class PostgresMetricsStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<ArchivedLog>> ListArchivedLogsAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(PostgresLakeIndex.ListLogsAsync, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<NotedLakeFile>> FindLakeFilesAsync(
        Guid logEpoch, IReadOnlyCollection<int>? partitions, int firstHour, int endHour, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresLakeIndex.FindFilesAsync(session, logEpoch, partitions, firstHour, endHour), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LakeGap>> ListLakeGapsAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresLakeIndex.ListGapsAsync(session, logEpoch), cancellationToken);

    /// <inheritdoc/>
    public Task<int> FindFirstKeptHourAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(
            async session => (int)(await session.ReadValueAsync("SELECT first_hour FROM lake_upkeep").ConfigureAwait(false))!, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<(int Minute, long Clicks)>?> FindRepeatsAsync(string adId, int firstMinute, int endMinute, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresLakeIndex.FindRepeatsAsync(session, adId, firstMinute, endMinute), cancellationToken);

    /// <inheritdoc/>
    public Task<long?> TryTakeTurnAsync(TimeSpan length, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLakeUpkeep.TryTakeTurnAsync(session, length, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndTurnAsync(long turn, CancellationToken cancellationToken) =>
        RunAsync(session => PostgresLakeUpkeep.EndTurnAsync(session, turn), cancellationToken);

    /// <inheritdoc/>
    public Task<int> LetGoOfHoursAsync(long turn, int firstHour, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLakeUpkeep.LetGoOfHoursAsync(session, turn, firstHour, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListRemovalsAsync(long turn, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLakeUpkeep.ListRemovalsAsync(session, turn, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndRemovalsAsync(long turn, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        RunAsync(session => PostgresLakeUpkeep.EndRemovalsAsync(session, turn, names, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task BeginRewriteAsync(long turn, NotedLakeFile file, string name, CancellationToken cancellationToken) =>
        RunAsync(session => PostgresLakeUpkeep.BeginRewriteAsync(session, turn, file, name, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndRewriteAsync(long turn, NotedLakeFile file, LakeFile? replacement, int erasure, CancellationToken cancellationToken) =>
        RunAsync(session => PostgresLakeUpkeep.EndRewriteAsync(session, turn, file, replacement, erasure, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<Erasure> RequestErasureAsync(string advertiserId, string requestedBy, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLakeUpkeep.RequestErasureAsync(session, advertiserId, requestedBy, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Erasure>> ListErasuresAsync(string? advertiserId, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresLakeUpkeep.ListErasuresAsync(session, advertiserId), cancellationToken);

    /// <inheritdoc/>
    public Task<long?> EraseCountsAsync(long turn, Erasure erasure, IReadOnlyCollection<string> adIds, long position, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLakeUpkeep.EraseCountsAsync(session, turn, erasure, adIds, position, NowMs), cancellationToken);

    /// <inheritdoc/>
    public Task EndErasureAsync(long turn, int erasure, CancellationToken cancellationToken) =>
        RunAsync(session => PostgresLakeUpkeep.EndErasureAsync(session, turn, erasure, NowMs), cancellationToken);

    private long NowMs => Now.ToUnixTimeMilliseconds();

    private Task<bool> RunAsync(Func<PostgresSession, Task> work, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await work(session).ConfigureAwait(false);
            return true;
        },
        cancellationToken);
}
