using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Receipts;

/// <summary>
/// Finds the logged clicks of an impression and judges them: in the files of the lake, and for what is not archived yet in the click log. It needs no partition of its
/// own, so any node can be asked. One receipt of a node is looked for at a time.
/// </summary>
public sealed class ClickReceipts : IDisposable
{
    // Clocks of ad server, gateways and log may be apart: to them a click may be older than its impression, and an hour costs little.
    private const long SkewMs = HourMs;
    private const long HourMs = 3_600_000;
    private const int Attempts = 3;

    private readonly IClickLog _log;
    private readonly ILakeIndex _index;
    private readonly IMetricsStore _store;
    private readonly LakeFileReader _files;
    private readonly ReceiptSettings _settings;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Receipts of a log and its lake.</summary>
    /// <param name="log">The click log.</param>
    /// <param name="index">What the lake holds.</param>
    /// <param name="store">How far partitions are, and by which lateness they judge.</param>
    /// <param name="storage">The files.</param>
    /// <param name="settings">Bounds.</param>
    /// <param name="time">Clock.</param>
    public ClickReceipts(IClickLog log, ILakeIndex index, IMetricsStore store, ILakeStorage storage, ReceiptSettings settings, TimeProvider time)
    {
        (_log, _index, _store, _settings, _time) = (log, index, store, settings, time);
        _files = new LakeFileReader(storage);
    }

    /// <summary>Looks for the clicks.</summary>
    /// <exception cref="ReceiptTooBroadException">It would take too much reading; nothing was read.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    /// <exception cref="MetricsStoreUnavailableException">The database can't answer now.</exception>
    /// <exception cref="IOException">Lake or click log can't be read now.</exception>
    public async Task<ClickReceipt> FindAsync(ReceiptQuestion question, CancellationToken cancellationToken)
    {
        using var timeOut = new CancellationTokenSource(_settings.TimeOut, _time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeOut.Token);
        try
        {
            await _turn.WaitAsync(ending.Token).ConfigureAwait(false);
            try
            {
                for (var attempt = 1; ; attempt++)
                {
                    // Files are written anew and removed meanwhile, and the log lets go of what has just been archived: then the index says something else now.
                    if (await TryFindAsync(question, attempt == Attempts, ending.Token).ConfigureAwait(false) is { } receipt)
                    {
                        return receipt;
                    }
                }
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (OperationCanceledException e) when (timeOut.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The receipt of impression {question.Impression} took longer than {_settings.TimeOut}.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task<ClickReceipt?> TryFindAsync(ReceiptQuestion question, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var search = new Search(question);
        var logs = await _index.ListArchivedLogsAsync(cancellationToken).ConfigureAwait(false);
        var firstKeptHour = await _index.FindFirstKeptHourAsync(cancellationToken).ConfigureAwait(false);
        var lateness = await FindLatenessAsync(cancellationToken).ConfigureAwait(false);
        var latenessMs = (long)lateness.TotalMilliseconds;
        var fromMs = Math.Max(0, question.Impression.IssuedAtMs - SkewMs);
        var toMs = Math.Max(question.Impression.IssuedAtMs + (long)_settings.ImpressionLifetime.TotalMilliseconds, question.ClickTimeMs ?? 0) + latenessMs + SkewMs;

        // After its token has expired, an impression's clicks are expired ones: they are only looked for where one is asked for. When it expires is known from its clicks.
        for (var (hour, endHour) = (HourOf(fromMs), HourOf(toMs) + 1); hour < endHour; (hour, endHour) = (endHour, HourOf(toMs) + 1))
        {
            foreach (var log in logs)
            {
                if (!await SearchLakeAsync(search, log.Log, hour, endHour, isLastAttempt, cancellationToken).ConfigureAwait(false))
                {
                    return null;
                }
            }

            if (search.Clicks.Count > 0)
            {
                toMs = Math.Max(toMs, search.Clicks.Max(found => found.Click.Logged.ExpiresAtMs) + latenessMs + SkewMs);
            }
        }

        var current = logs.FirstOrDefault(log => log.Log.Epoch == _log.Identity.Epoch);
        if (!await SearchLogAsync(search, current, isLastAttempt, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        var terms = new CountingTerms(latenessMs, 0);
        var logOrder = logs.Index().ToDictionary(log => log.Item.Log.Epoch, log => log.Index);
        var keptFromMs = firstKeptHour * HourMs;
        return new ClickReceipt
        {
            Impression = question.Impression,
            Clicks = Judge(search.Clicks, logOrder, terms),
            FromMs = fromMs,
            ToMs = toMs,
            Partitions = [.. question.PartitionsOf(_log.Identity.Partitions) ?? Enumerable.Range(0, _log.Identity.Partitions)],
            Files = search.Files,
            LogRecords = search.LogRecords,
            AllowedLateness = lateness,
            KeptFromMs = fromMs < keptFromMs ? keptFromMs : null,
            Missing = search.Missing,
        };
    }

    private static List<ReceiptClick> Judge(List<Found> found, Dictionary<Guid, int> logOrder, CountingTerms terms)
    {
        var receipt = new List<ReceiptClick>();
        foreach (var clicks in found.DistinctBy(each => (each.Click.LogEpoch, each.Click.Partition, each.Click.Logged.Offset)).GroupBy(each => each.Click.Ad)
            .OrderBy(group => group.Key.AdId, StringComparer.Ordinal).ThenBy(group => group.Key.SubShard))
        {
            var inOrder = clicks.OrderBy(each => logOrder.GetValueOrDefault(each.Click.LogEpoch, int.MaxValue)).ThenBy(each => each.Click.Logged.Offset).ToList();
            var outcomes = ImpressionJudge.Judge(clicks.Key, inOrder.Select(each => each.Click.Logged), terms);
            receipt.AddRange(inOrder.Zip(outcomes, (each, outcome) => new ReceiptClick(each.Click, outcome, each.File?.Name, each.File?.Sha256)));
        }

        return receipt;
    }

    private async Task<TimeSpan> FindLatenessAsync(CancellationToken cancellationToken)
    {
        var progress = await _store.ReadProgressAsync(_log.Identity.Epoch, cancellationToken).ConfigureAwait(false);
        var toldMs = progress.Select(row => row.AllowedLatenessMs).DefaultIfEmpty(0).Max();
        return toldMs > 0 ? TimeSpan.FromMilliseconds(toldMs) : _settings.AllowedLateness;
    }

    /// <summary>Looks through files of some hours; false where one is gone since the index was read.</summary>
    private async Task<bool> SearchLakeAsync(
        Search search, LogIdentity log, int firstHour, int endHour, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var partitions = search.Question.PartitionsOf(log.Partitions);
        var noted = (await _index.FindLakeFilesAsync(log.Epoch, partitions, firstHour, endHour, cancellationToken).ConfigureAwait(false))
            .Where(file => LakeFileName.IsOfClicks(file.File.Name)).ToList();
        search.Bytes += noted.Sum(file => file.File.Bytes);
        if (search.Bytes > _settings.MaxBytes)
        {
            throw new ReceiptTooBroadException(
                $"It would take reading {search.Bytes:N0} bytes of the data lake, more than the {_settings.MaxBytes:N0} that one receipt may");
        }

        foreach (var file in noted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                var clicks = await _files.ReadAsync(
                    file.File, stream => ClickRows.FindAsync(stream, search.Question.Impression, cancellationToken), cancellationToken).ConfigureAwait(false);
                search.Clicks.AddRange(clicks.Where(click => Is(search.Question, click.Ad)).Select(click => new Found(click, file.File)));
                search.Files++;
            }
            catch (FileNotFoundException) when (!isLastAttempt)
            {
                return false;
            }
            catch (FileNotFoundException)
            {
                search.Missing.Add($"File {file.File.Name} of the lake is not there.");
            }
            catch (InvalidDataException e)
            {
                search.Missing.Add($"File {file.File.Name} of the lake is not what was archived, and was left out: {e.Message}");
            }
        }

        var gaps = await _index.ListLakeGapsAsync(log.Epoch, cancellationToken).ConfigureAwait(false);
        foreach (var gap in gaps.Where(gap => partitions?.Contains(gap.Partition) != false && IsNear(gap, noted)))
        {
            search.AddMissing($"Offsets [{gap.FirstOffset}, {gap.EndOffset}) of partition {gap.Partition} were gone from the click log before they were archived.");
        }

        return true;
    }

    // A gap has no times. One before all files of these hours, or after them, lies elsewhere in time, unless it adjoins; without files nobody knows.
    private static bool IsNear(LakeGap gap, List<NotedLakeFile> files)
    {
        var cuts = files.Where(file => file.Partition == gap.Partition).ToList();
        return cuts.Count == 0 || (gap.EndOffset >= cuts.Min(file => file.FirstOffset) && gap.FirstOffset <= cuts.Max(file => file.EndOffset));
    }

    /// <summary>Looks through what is not archived; false where the log has let go of it since the index was read.</summary>
    private async Task<bool> SearchLogAsync(Search search, ArchivedLog? archived, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var tails = new List<(int Partition, ArchiveProgress From, long End)>();
        foreach (var partition in search.Question.PartitionsOf(_log.Identity.Partitions) ?? Enumerable.Range(0, _log.Identity.Partitions))
        {
            var range = await _log.FindRangeAsync(partition, cancellationToken).ConfigureAwait(false);
            var progress = archived?.Progress.GetValueOrDefault(partition) ?? new ArchiveProgress(0, 0);
            if (progress.Offset < range.Begin)
            {
                if (!isLastAttempt)
                {
                    return false;
                }

                search.AddMissing($"Offsets [{progress.Offset}, {range.Begin}) of partition {partition} are neither archived nor in the click log any more.");
                progress = progress with { Offset = range.Begin };
            }

            tails.Add((partition, progress, range.End));
        }

        var records = tails.Sum(tail => Math.Max(0, tail.End - tail.From.Offset));
        if (records > _settings.MaxLogRecords)
        {
            throw new ReceiptTooBroadException(
                $"It would take reading {records:N0} records of the click log that are not archived yet, more than the {_settings.MaxLogRecords:N0} that one receipt may");
        }

        foreach (var (partition, from, end) in tails.Where(tail => tail.From.Offset < tail.End))
        {
            search.LogRecords += end - from.Offset;
            await foreach (var click in LogTail.FindAsync(_log, partition, from, end, search.Question.Impression, cancellationToken).ConfigureAwait(false))
            {
                if (Is(search.Question, click.Ad))
                {
                    search.Clicks.Add(new Found(click, null));
                }
            }
        }

        return true;
    }

    private static bool Is(ReceiptQuestion question, AdKey ad) => question.Ad is { } key ? key == ad : question.AdId is null || question.AdId == ad.AdId;

    private static int HourOf(long ms) => (int)(ms / HourMs);

    private sealed record Found(RawClick Click, LakeFile? File);

    private sealed class Search(ReceiptQuestion question)
    {
        public ReceiptQuestion Question => question;

        public List<Found> Clicks { get; } = [];

        public List<string> Missing { get; } = [];

        public long Bytes { get; set; }

        public int Files { get; set; }

        public long LogRecords { get; set; }

        public void AddMissing(string sentence)
        {
            if (!Missing.Contains(sentence))
            {
                Missing.Add(sentence);
            }
        }
    }
}
