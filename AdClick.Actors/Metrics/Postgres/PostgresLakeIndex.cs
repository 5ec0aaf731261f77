using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>What is known of the lake.</summary>
internal static class PostgresLakeIndex
{
    /// <summary>See <see cref="ILakeIndex.ListArchivedLogsAsync"/>.</summary>
    public static async Task<IReadOnlyList<ArchivedLog>> ListLogsAsync(PostgresSession session)
    {
        var logs = new List<(LogIdentity Log, Dictionary<int, ArchiveProgress> Progress)>();
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            "SELECT epoch, partitions, partition, archived_offset, clock_ms FROM logs LEFT JOIN archive_progress USING (log) ORDER BY log")).ConfigureAwait(false);
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            var epoch = reader.GetGuid(0);
            if (logs.Count == 0 || logs[^1].Log.Epoch != epoch)
            {
                logs.Add((new LogIdentity(epoch, reader.GetInt32(1)), []));
            }

            if (!reader.IsDBNull(2))
            {
                logs[^1].Progress.Add(reader.GetInt32(2), new ArchiveProgress(reader.GetInt64(3), reader.GetInt64(4)));
            }
        }

        return [.. logs.Select(log => new ArchivedLog(log.Log, log.Progress))];
    }

    /// <summary>See <see cref="ILakeIndex.FindLakeFilesAsync"/>.</summary>
    public static async Task<IReadOnlyList<NotedLakeFile>> FindFilesAsync(
        PostgresSession session, Guid logEpoch, IReadOnlyCollection<int>? partitions, int firstHour, int endHour)
    {
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            $"""
            SELECT partition, first_offset, end_offset, name, hour, rows, bytes, sha256 FROM lake_files
            WHERE log = (SELECT log FROM logs WHERE epoch = $1) AND hour >= $2 AND hour < $3 {(partitions is null ? "" : "AND partition = ANY ($4)")}
            ORDER BY partition, first_offset, name
            """,
            partitions is null ? [logEpoch, firstHour, endHour] : [logEpoch, firstHour, endHour, partitions.ToArray()])).ConfigureAwait(false);
        var files = new List<NotedLakeFile>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            files.Add(new NotedLakeFile(
                logEpoch, reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2),
                new LakeFile(reader.GetString(3), reader.GetInt32(4), reader.GetInt32(5), reader.GetInt64(6), reader.GetFieldValue<byte[]>(7))));
        }

        return files;
    }

    /// <summary>See <see cref="ILakeIndex.ListLakeGapsAsync"/>.</summary>
    public static async Task<IReadOnlyList<LakeGap>> ListGapsAsync(PostgresSession session, Guid logEpoch)
    {
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            "SELECT partition, first_offset, end_offset FROM lake_gaps WHERE log = (SELECT log FROM logs WHERE epoch = $1) ORDER BY partition, first_offset",
            logEpoch)).ConfigureAwait(false);
        var gaps = new List<LakeGap>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            gaps.Add(new LakeGap(reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2)));
        }

        return gaps;
    }

    /// <summary>See <see cref="IRepeatStore.FindRepeatsAsync"/>.</summary>
    public static async Task<IReadOnlyList<(int Minute, long Clicks)>?> FindRepeatsAsync(PostgresSession session, string adId, int firstMinute, int endMinute)
    {
        if (firstMinute < (await RollupFrontier.ReadAsync(session).ConfigureAwait(false)).FirstMinute)
        {
            return null;
        }

        var ad = await session.ReadValueAsync("SELECT ad FROM ad_ids WHERE ad_id = $1", adId).ConfigureAwait(false);
        if (ad is null)
        {
            return [];
        }

        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            """
            SELECT minute, click_sum(clicks) FROM (
                SELECT minute, clicks FROM click_minute WHERE ad = $1 AND minute >= $2 AND minute < $3 AND outcome = $4
                UNION ALL
                SELECT minute, 1 FROM late_clicks WHERE ad = $1 AND minute >= $2 AND minute < $3 AND outcome = $4) AS found
            GROUP BY minute ORDER BY minute
            """,
            ad, firstMinute, endMinute, (short)ClickOutcome.Repeat)).ConfigureAwait(false);
        var repeats = new List<(int, long)>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            repeats.Add((reader.GetInt32(0), reader.GetInt64(1)));
        }

        return repeats;
    }
}
