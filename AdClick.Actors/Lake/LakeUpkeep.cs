using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.Lake;

/// <summary>
/// Lets go of old files, and deletes an advertiser's data on request (docs/decisions/0018-lake-upkeep.md). Every node that counts may call it now and then; one at a
/// time is at it. Whatever it was killed in the midst of, the next run goes on from what the store says.
/// </summary>
public sealed class LakeUpkeep
{
    private const long HourMs = 3_600_000;

    private readonly ILakeUpkeepStore _store;
    private readonly ILakeIndex _index;
    private readonly IMetricsStore _metrics;
    private readonly ICatalogueStore _catalogue;
    private readonly ILakeStorage? _storage;
    private readonly TimeSpan? _retention;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // What has to be checkpointed and archived before an erasure begins, by its number; known again after a restart as soon as it is looked at.
    private readonly Dictionary<int, Dictionary<int, long>> _barriers = [];

    /// <summary>Upkeep of a lake and its store.</summary>
    /// <param name="store">What is to be done, and what was.</param>
    /// <param name="index">Files.</param>
    /// <param name="metrics">Progress.</param>
    /// <param name="catalogue">The ads of advertisers.</param>
    /// <param name="storage">The lake; null where clicks are not archived.</param>
    /// <param name="retention">How long raw clicks are kept, at least; null for ever.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Is told what was done.</param>
    public LakeUpkeep(
        ILakeUpkeepStore store, ILakeIndex index, IMetricsStore metrics, ICatalogueStore catalogue, ILakeStorage? storage, TimeSpan? retention, TimeProvider time, ILogger logger)
    {
        (_store, _index, _metrics, _catalogue, _storage, _retention, _time, _logger) = (store, index, metrics, catalogue, storage, retention, time, logger);
    }

    /// <summary>Does what is to be done now, unless another node is at it.</summary>
    /// <exception cref="IOException">Store or lake can't be used now.</exception>
    /// <exception cref="StaleOwnerException">It took so long that another node has gone on with it.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await _store.TryTakeTurnAsync(TimeSpan.FromMilliseconds(LakeUpkeepRules.TurnMs), cancellationToken).ConfigureAwait(false) is not { } turn)
        {
            return;
        }

        try
        {
            // Before anything is written: what an earlier run has begun and not ended is nobody's.
            await RemoveAsync(turn, cancellationToken).ConfigureAwait(false);
            if (_retention is { } retention && _storage is not null)
            {
                await LetGoAsync(turn, retention, cancellationToken).ConfigureAwait(false);
            }

            foreach (var erasure in await _store.ListErasuresAsync(null, cancellationToken).ConfigureAwait(false))
            {
                if (erasure.EndedAtMs is null && await IsRipeAsync(erasure, cancellationToken).ConfigureAwait(false))
                {
                    await EraseAsync(turn, erasure, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            await _store.EndTurnAsync(turn, CancellationToken.None).ConfigureAwait(false);
        }
    }

    // By whichever clock is behind: neither a clock of this machine that runs ahead nor clicks out of the future are to cost any files.
    private async Task LetGoAsync(long turn, TimeSpan retention, CancellationToken cancellationToken)
    {
        var log = await _metrics.FindLogAsync(cancellationToken).ConfigureAwait(false);
        var progress = log is null ? [] : await _metrics.ReadProgressAsync(log.Epoch, cancellationToken).ConfigureAwait(false);
        if (log is null || progress.Count < log.Partitions)
        {
            return;
        }

        var nowMs = Math.Min(_time.GetUtcNow().ToUnixTimeMilliseconds(), progress.Min(row => row.ClockMs));
        var firstHour = (int)Math.Max(0, (nowMs - (long)retention.TotalMilliseconds) / HourMs);
        var files = 0;
        for (int some; (some = await _store.LetGoOfHoursAsync(turn, firstHour, cancellationToken).ConfigureAwait(false)) > 0; files += some)
        {
            await RemoveAsync(turn, cancellationToken).ConfigureAwait(false);
        }

        if (files > 0)
        {
            _logger.LogInformation("{Files} files of the data lake are older than AdClick:Lake:Retention and were removed.", files);
        }
    }

    private async Task RemoveAsync(long turn, CancellationToken cancellationToken)
    {
        if (_storage is null)
        {
            return;
        }

        while (await _store.ListRemovalsAsync(turn, cancellationToken).ConfigureAwait(false) is { Count: > 0 } names)
        {
            foreach (var name in names)
            {
                await _storage.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            }

            await _store.EndRemovalsAsync(turn, names, cancellationToken).ConfigureAwait(false);
        }
    }

    // All clicks from before the erasure's end must be counted, out of memory and archived. Else a flush would bring counts back, or a cut clicks.
    private async Task<bool> IsRipeAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        var logs = await _index.ListArchivedLogsAsync(cancellationToken).ConfigureAwait(false);
        if (logs.Count == 0)
        {
            return true; // nothing was ever counted
        }

        var current = logs[^1];
        var progress = await _metrics.ReadProgressAsync(current.Log.Epoch, cancellationToken).ConfigureAwait(false);
        if (!_barriers.TryGetValue(erasure.Number, out var barrier))
        {
            var completeness = Completeness.Of(current.Log, progress);
            if (completeness.ThroughMs < erasure.BeforeMs || completeness.FinalBeforeMs <= erasure.BeforeMs)
            {
                return false;
            }

            _barriers.Add(erasure.Number, barrier = progress.ToDictionary(row => row.Partition, row => row.FlushedOffset));
        }

        return progress.Count == current.Log.Partitions
            && progress.All(row => row.CheckpointOffset >= barrier.GetValueOrDefault(row.Partition))
            && (_storage is null || progress.All(row => current.Progress.GetValueOrDefault(row.Partition)?.Offset >= barrier.GetValueOrDefault(row.Partition)));
    }

    private async Task EraseAsync(long turn, Erasure erasure, CancellationToken cancellationToken)
    {
        var ads = new HashSet<string>(StringComparer.Ordinal);
        while (await _catalogue.ListAdsAsync(erasure.AdvertiserId, ads.Max(StringComparer.Ordinal), 1_000, cancellationToken).ConfigureAwait(false) is { Count: > 0 } page)
        {
            ads.UnionWith(page.Select(ad => ad.AdId));
        }

        if (_storage is not null)
        {
            await EraseFilesAsync(turn, erasure, ads, cancellationToken).ConfigureAwait(false);
        }

        // Counts last: a re-count meanwhile would find clicks without counts, and put the counts right.
        for (long? position = 0; position is { } from;)
        {
            position = await _store.EraseCountsAsync(turn, erasure, ads, from, cancellationToken).ConfigureAwait(false);
        }

        await _store.EndErasureAsync(turn, erasure.Number, cancellationToken).ConfigureAwait(false);
        _barriers.Remove(erasure.Number);
        _logger.LogInformation(
            "Erasure {Number} is done: clicks of advertiser {Advertiser} from before {Before} are no longer in the data lake, nor in the counts.",
            erasure.Number, erasure.AdvertiserId, DateTimeOffset.FromUnixTimeMilliseconds(erasure.BeforeMs));
    }

    private async Task EraseFilesAsync(long turn, Erasure erasure, HashSet<string> ads, CancellationToken cancellationToken)
    {
        var reader = new LakeFileReader(_storage!);
        var endHour = (int)((erasure.BeforeMs + HourMs - 1) / HourMs);
        foreach (var log in await _index.ListArchivedLogsAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (var file in await _index.FindLakeFilesAsync(log.Log.Epoch, null, 0, endHour, cancellationToken).ConfigureAwait(false))
            {
                if (LakeFileName.IsOfClicks(file.File.Name))
                {
                    await EraseFileAsync(turn, erasure, ads, file, reader, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task EraseFileAsync(
        long turn, Erasure erasure, HashSet<string> ads, NotedLakeFile file, LakeFileReader reader, CancellationToken cancellationToken)
    {
        ClickRows clicks;
        try
        {
            clicks = await reader.ReadAsync(file.File, stream => ClickRows.ReadAsync(stream, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (FileNotFoundException)
        {
            _logger.LogWarning("Erasure {Number}: file {Name} of the data lake is not there.", erasure.Number, file.File.Name);
            return;
        }
        catch (InvalidDataException e)
        {
            throw new IOException(
                $"Erasure {erasure.Number} waits: file {file.File.Name} of the data lake is not what was archived, so it can't be written anew. Restore it, or delete it. {e.Message}", e);
        }

        var rest = clicks.Without(ads, erasure.BeforeMs);
        if (rest.Count == clicks.Count)
        {
            return;
        }

        LakeFile? replacement = null;
        if (rest.Count > 0)
        {
            var content = await rest.ToParquetAsync().ConfigureAwait(false);
            var name = LakeFileName.New(LakeFileName.Clicks, file.File.Hour, file.LogEpoch, file.Partition, file.FirstOffset, file.EndOffset);
            await _store.BeginRewriteAsync(turn, file, name, cancellationToken).ConfigureAwait(false);
            await _storage!.WriteAsync(name, content, cancellationToken).ConfigureAwait(false);
            replacement = new LakeFile(name, file.File.Hour, rest.Count, content.Length, SHA256.HashData(content.Span));
        }

        await _store.EndRewriteAsync(turn, file, replacement, erasure.Number, cancellationToken).ConfigureAwait(false);
        await RemoveAsync(turn, cancellationToken).ConfigureAwait(false);
    }
}
