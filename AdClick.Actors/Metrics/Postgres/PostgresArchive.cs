namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Archive progress and the files of the lake.</summary>
internal static class PostgresArchive
{
    /// <summary>See <see cref="IArchiveStore.StartArchiveAsync"/>.</summary>
    public static async Task<ArchiveProgress> StartAsync(PostgresSession session, ArchiveOwner owner, long firstOffset, long clockMs)
    {
        var log = await FenceAsync(session, owner).ConfigureAwait(false);
        await using var reader = await session.ReadAsync(
            PostgresSession.Sql("INSERT INTO archive_progress VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", log, owner.Partition, firstOffset, clockMs),
            PostgresSession.Sql("SELECT archived_offset, clock_ms FROM archive_progress WHERE log = $1 AND partition = $2", log, owner.Partition))
            .ConfigureAwait(false);
        await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false);
        return new ArchiveProgress(reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>See <see cref="IArchiveStore.ListLakeFilesAsync"/>.</summary>
    public static async Task<IReadOnlySet<string>> ListFilesAsync(PostgresSession session, ArchiveOwner owner)
    {
        var log = await FenceAsync(session, owner).ConfigureAwait(false);
        await using var reader = await session.ReadAsync(
            PostgresSession.Sql(
                "SELECT name FROM lake_files WHERE log = $1 AND partition = $2 UNION ALL SELECT name FROM lake_removals WHERE log = $1 AND partition = $2",
                log, owner.Partition)).ConfigureAwait(false);
        var names = new HashSet<string>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    /// <summary>See <see cref="IArchiveStore.CommitCutAsync"/>.</summary>
    public static async Task CommitAsync(PostgresSession session, ArchiveCut cut)
    {
        var log = await FenceAsync(session, cut.Owner).ConfigureAwait(false);
        var partition = cut.Owner.Partition;
        await session.RunAsync(PostgresSession.Sql(
            """
            INSERT INTO lake_cuts
            SELECT log, partition, archived_offset, $4, clock_ms, $5, $6, $7 FROM archive_progress WHERE log = $1 AND partition = $2 AND archived_offset = $3
            """,
            log, partition, cut.FirstOffset, cut.EndOffset, cut.ClockMs, ArchiveRules.HourRows(cut), cut.IsLost)).ConfigureAwait(false);
        var moved = await session.RunAsync(PostgresSession.Sql(
            "UPDATE archive_progress SET archived_offset = $4, clock_ms = $5 WHERE log = $1 AND partition = $2 AND archived_offset = $3",
            log, partition, cut.FirstOffset, cut.EndOffset, cut.ClockMs)).ConfigureAwait(false);
        if (moved == 0)
        {
            throw ArchiveRules.NotNext(cut);
        }

        foreach (var file in cut.Files)
        {
            await session.RunAsync(PostgresSession.Sql(
                "INSERT INTO lake_files VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                log, partition, cut.FirstOffset, cut.EndOffset, file.Name, file.Hour, file.Rows, file.Bytes, file.Sha256)).ConfigureAwait(false);
        }

        if (cut.IsLost)
        {
            await session.RunAsync(PostgresSession.Sql("INSERT INTO lake_gaps VALUES ($1, $2, $3, $4)", log, partition, cut.FirstOffset, cut.EndOffset))
                .ConfigureAwait(false);
        }
    }

    // The row stays locked to the end, so that no newer owner comes in between.
    private static async Task<int> FenceAsync(PostgresSession session, ArchiveOwner owner)
    {
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            "SELECT log, owner_epoch FROM progress WHERE log = (SELECT log FROM logs WHERE epoch = $1) AND partition = $2 FOR SHARE",
            owner.LogEpoch, owner.Partition)).ConfigureAwait(false);
        var stored = await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false) ? reader.GetInt64(1) : (long?)null;
        return stored == owner.OwnerEpoch ? reader.GetInt32(0) : throw ArchiveRules.Stale(owner, stored);
    }
}
