using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>Re-counts hours from the raw clicks in the lake, compares them with what was streamed, and puts what came out on record (docs/lake.md).</summary>
/// <param name="store">Streamed counts, what is known of the archive, and the records of runs.</param>
/// <param name="storage">The lake.</param>
/// <param name="settings">What a run may take.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Is told what came out.</param>
public sealed partial class Reconciler(IReconciliationStore store, ILakeStorage storage, RecountSettings settings, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Hours of one run, at most: it holds no more than a day of clicks and the impressions that they may have met.</summary>
    public const int MaxHours = 24;

    /// <summary>Ads in a summary of other rules.</summary>
    private const int MaxAds = 20;

    private readonly SemaphoreSlim _turn = new(1); // one run of a node at a time, for its memory
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Reads back so far by default.</summary>
    public TimeSpan ReadBack => settings.ReadBack;

    /// <summary>Re-counts some hours by the rules of the counting, and puts the run on record.</summary>
    /// <param name="hours">1 to <see cref="MaxHours"/> hours.</param>
    /// <param name="kind">Why.</param>
    /// <param name="requestedBy">Who asked.</param>
    /// <param name="cancellationToken">Ends it; nothing is on record then.</param>
    /// <exception cref="MetricsStoreUnavailableException">The database can't answer now.</exception>
    /// <exception cref="IOException">The lake can't be read now.</exception>
    public Task<(long Run, ReconciliationRun Result)> RunAsync(HourRange hours, RunKind kind, string requestedBy, CancellationToken cancellationToken) =>
        RecordAsync(() => JudgeAsync(hours, RecountRules.AsCounted, kind, requestedBy, cancellationToken), cancellationToken);

    /// <summary>Says what other rules would have given. Nothing is changed.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<RulesReport> TryRulesAsync(HourRange hours, RecountRules rules, string requestedBy, CancellationToken cancellationToken) =>
        JudgeAsync(hours, rules, RunKind.OtherRules, requestedBy, cancellationToken);

    /// <summary>Makes answers show what other rules give for some hours, and puts that on record.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<(long Run, ReconciliationRun Result)> ApplyRulesAsync(HourRange hours, RecountRules rules, string requestedBy, CancellationToken cancellationToken) =>
        RecordAsync(() => JudgeAsync(hours, rules, RunKind.OtherRules, requestedBy, cancellationToken), cancellationToken);

    /// <summary>Ends what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _turn.WaitAsync().ConfigureAwait(false);
        _turn.Release();
    }

    private async Task<(long Run, ReconciliationRun Result)> RecordAsync(Func<Task<RulesReport>> judge, CancellationToken cancellationToken)
    {
        var result = (await judge().ConfigureAwait(false)).Run;
        var run = await store.CommitRunAsync(result, cancellationToken).ConfigureAwait(false);
        ReconciliationMetrics.Note(result);
        Tell(run, result);
        return (run, result);
    }

    private void Tell(long run, ReconciliationRun result)
    {
        switch (result.State)
        {
            case RunState.Unproven:
                LogUnproven(run, result.Hours, string.Join(" ", result.Reasons.Take(5)));
                break;
            case RunState.Mismatch when result.Kind != RunKind.OtherRules:
                var first = result.Corrections.First(cell => cell.IsMismatch);
                LogMismatch(run, result.Hours, result.Mismatches, result.Cells, first.AdId, MinuteText(first.Minute), first.Outcome.Name(), first.Streamed, first.Recounted);
                break;
            default:
                LogDone(run, result.Hours, result.Clicks, result.Cells, result.Mismatches, result.Settled);
                break;
        }
    }

    private async Task<RulesReport> JudgeAsync(HourRange hours, RecountRules rules, RunKind kind, string requestedBy, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hours.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hours.Count, MaxHours);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        await _turn.WaitAsync(ending.Token).ConfigureAwait(false);
        var folder = Directory.CreateDirectory(Path.Combine(settings.TemporaryFolder, $"adclick-recount-{Guid.NewGuid():N}")).FullName;
        try
        {
            var started = time.GetUtcNow();
            using var judgement = new Judgement(this, hours, rules, folder, ending.Token);

            // DuckDB's calls block, for seconds.
            await Task.Factory.StartNew(
                () => judgement.RunAsync().GetAwaiter().GetResult(), ending.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            return judgement.Report(kind, requestedBy, started, time.GetUtcNow());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            _turn.Release();
        }
    }

    private static string MinuteText(int minute) => DateTimeOffset.UnixEpoch.AddMinutes(minute).ToString("yyyy-MM-ddTHH:mm'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(
        LogLevel.Error,
        "Reconciliation run {Run} of {Hours}: {Mismatches} of {Cells} streamed numbers are not what the raw clicks give; the first is ad {AdId}, {Minute}, {Outcome}: {Streamed} streamed, "
        + "{Recounted} re-counted. Answers show the re-counted numbers. docs/operations.md says what to look at.")]
    private partial void LogMismatch(long run, HourRange hours, long mismatches, long cells, string adId, string minute, string outcome, long streamed, long recounted);

    [LoggerMessage(LogLevel.Warning, "Reconciliation run {Run} of {Hours}: nothing is proven. {Reasons}")]
    private partial void LogUnproven(long run, HourRange hours, string reasons);

    [LoggerMessage(LogLevel.Information, "Reconciliation run {Run} of {Hours}: {Clicks} clicks re-counted, {Cells} numbers compared, {Mismatches} differ, {Settled} late clicks settled.")]
    private partial void LogDone(long run, HourRange hours, long clicks, long cells, long mismatches, long settled);

    /// <summary>One run on its way to its verdict.</summary>
    private sealed class Judgement : IStreamedCounts, IDisposable
    {
        private readonly Reconciler _reconciler;
        private readonly HourRange _hours;
        private readonly RecountRules _rules;
        private readonly CancellationToken _cancellationToken;
        private readonly Recount _recount;
        private readonly LakeFileCheck _check;
        private readonly TimeSpan _readBack;
        private readonly List<string> _problems = [];
        private readonly Dictionary<string, CheckedFile> _files = new(StringComparer.Ordinal);
        private ArchiveCoverage? _coverage;
        private bool _isSettled;
        private (long Cells, long Clicks, long Settled) _sums;
        private List<Correction> _corrections = [];

        public Judgement(Reconciler reconciler, HourRange hours, RecountRules rules, string folder, CancellationToken cancellationToken)
        {
            (_reconciler, _hours, _rules, _cancellationToken) = (reconciler, hours, rules, cancellationToken);
            _readBack = reconciler.Settings.ReadBack;
            if (rules.ImpressionLifetime is { } lifetime)
            {
                var wanted = lifetime + (rules.AllowedLateness ?? TimeSpan.FromHours(1));
                _readBack = wanted > _readBack ? wanted : _readBack;
            }

            _recount = new Recount(reconciler.Settings, folder, rules, cancellationToken);
            _check = new LakeFileCheck(reconciler.Storage, folder);
        }

        // What a click may have met before it.
        private long ReadFromMs => Math.Max(0, _hours.StartMs - (long)_readBack.TotalMilliseconds);

        // As far on, for late clicks: the impression that they have may be clicked, and accepted, until then. While all this is new, hardly anything is there yet.
        private HourRange Read => HourRange.Around(ReadFromMs, _hours.EndMs + (long)_readBack.TotalMilliseconds);

        public async Task RunAsync()
        {
            await _reconciler.Store.ReadBasisAsync(_hours, Read, Begin, _cancellationToken).ConfigureAwait(false);
            _recount.CompleteStreamed();
            if (_problems.Count == 0)
            {
                await FetchAsync().ConfigureAwait(false);
            }

            var slices = _problems.Count == 0 ? Slices() : [];
            if (_problems.Count > 0)
            {
                return;
            }

            foreach (var slice in slices)
            {
                _recount.Count(slice, _hours);
            }

            if (_isSettled && _recount.HasLate)
            {
                var closedMs = _coverage!.ArchivedClockMs - _coverage.AllowedLatenessMs - (long)(_rules.AllowedLateness ?? TimeSpan.Zero).TotalMilliseconds;
                slices.ForEach(slice => _recount.Settle(slice, _hours, closedMs));
            }

            _sums = _recount.Compare();
            _corrections = _recount.Corrections();
            RequireReadBack(slices);
        }

        public RulesReport Report(RunKind kind, string requestedBy, DateTimeOffset startedAt, DateTimeOffset finishedAt)
        {
            var isUnproven = _problems.Count > 0;
            var run = new ReconciliationRun
            {
                Kind = kind,
                RequestedBy = requestedBy,
                StartedAt = startedAt,
                FinishedAt = finishedAt,
                Hours = _hours,
                State = isUnproven ? RunState.Unproven : _corrections.Exists(cell => cell.IsMismatch) ? RunState.Mismatch : RunState.Match,
                Reasons = _problems,
                Rules = _rules.ToString(),
                Cells = isUnproven ? 0 : _sums.Cells,
                Clicks = isUnproven ? 0 : _sums.Clicks,
                Settled = isUnproven ? 0 : _sums.Settled,
                IsSettled = !isUnproven && _isSettled,
                FilesRead = _files.Values.Count(file => file.Problem.Length == 0),
                Covered = [.. _coverage?.Slices.Where(slice => slice.FirstOffset < slice.EndOffset).Select(slice => new CoveredOffsets(slice.LogEpoch, slice.Partition, slice.FirstOffset, slice.EndOffset)) ?? []],
                Files =
                [
                    .. _files.Values.Where(file => file.Problem.Length > 0 || (file.File.Hour >= _hours.First && file.File.Hour < _hours.End))
                        .Select(file => new ReadFile(file.File.Name, file.File.Hour, file.File.Bytes, file.File.Sha256, file.Problem)).OrderBy(file => file.Name, StringComparer.Ordinal),
                ],
                Corrections = isUnproven ? [] : _corrections,
            };
            var (outcomes, ads) = isUnproven || kind != RunKind.OtherRules ? ([], []) : _recount.Summarize(MaxAds);
            return new RulesReport(run, outcomes, ads);
        }

        bool IStreamedCounts.Covers(Guid logEpoch, int partition, long offset) => _coverage!.Covers(logEpoch, partition, offset);

        void IStreamedCounts.Take(string adId, int minute, ClickOutcome outcome, long clicks) => _recount.TakeStreamed(adId, minute, outcome, clicks);

        public void Dispose() => _recount.Dispose();

        private Judgement? Begin(ReconciliationBasis basis)
        {
            _coverage = ArchiveCoverage.Of(basis, _hours, Read);
            _isSettled = _coverage.ArchivedClockMs - _coverage.AllowedLatenessMs >= _hours.EndMs + (long)_readBack.TotalMilliseconds;
            _problems.AddRange(_coverage.Problems);
            return _problems.Count == 0 ? this : null;
        }

        private async Task FetchAsync()
        {
            foreach (var (name, found) in await _check.CheckAsync(_coverage!.Slices.SelectMany(slice => slice.Files), _cancellationToken).ConfigureAwait(false))
            {
                _files.Add(name, found);
                if (found.Problem.Length > 0)
                {
                    _problems.Add($"File {name} {found.Problem}.");
                }
            }
        }

        // Partition by partition, for an impression is in one of them; all together where a log ends and another goes on.
        private List<SliceClicks> Slices()
        {
            var slices = _coverage!.Slices.Select(slice => (Slice: slice, Paths: slice.Files.Select(file => _files[file.Name].Path).ToList()))
                .Where(slice => slice.Paths.Count > 0).ToList();
            var lateness = (long?)_rules.AllowedLateness?.TotalMilliseconds;
            if (slices.Select(slice => slice.Slice.LogEpoch).Distinct().Count() <= 1)
            {
                return [.. slices.Select(slice => new SliceClicks(slice.Paths, lateness ?? slice.Slice.AllowedLatenessMs, [LimitOf(slice.Slice)]))];
            }

            if (lateness is null && slices.Select(slice => slice.Slice.AllowedLatenessMs).Distinct().Count() > 1)
            {
                _problems.Add("The allowed lateness and the partition count were changed together, amid the clicks that these hours rest on.");
            }

            return [new SliceClicks([.. slices.SelectMany(slice => slice.Paths)], lateness ?? slices[0].Slice.AllowedLatenessMs, [.. slices.Select(slice => LimitOf(slice.Slice))])];

            static (Guid, int, int, long) LimitOf(PartitionSlice slice) => (slice.LogEpoch, slice.LogNumber, slice.Partition, slice.EndOffset);
        }

        // A difference may come from a click that was not read: of an impression that lived longer than settings say.
        private void RequireReadBack(List<SliceClicks> slices)
        {
            if (!_corrections.Exists(cell => cell.IsMismatch))
            {
                return;
            }

            foreach (var slice in slices)
            {
                if (_recount.FindOldestIssue(slice, _hours) is { } issuedMs && issuedMs < ReadFromMs)
                {
                    _problems.Add(string.Create(
                        CultureInfo.InvariantCulture,
                        $"An impression of these hours was issued at {DateTimeOffset.FromUnixTimeMilliseconds(issuedMs):yyyy-MM-ddTHH:mm:ss}Z, and clicks are read from {DateTimeOffset.FromUnixTimeMilliseconds(ReadFromMs):yyyy-MM-ddTHH:mm:ss}Z on: set AdClick:Reconciliation:ReadBack to the longest lifetime of any token plus the allowed lateness."));
                    return;
                }
            }
        }
    }

    private IReconciliationStore Store => store;

    private ILakeStorage Storage => storage;

    private RecountSettings Settings => settings;
}

/// <summary>What other rules give.</summary>
/// <param name="Run">The run, as it would be put on record.</param>
/// <param name="Outcomes">Clicks by outcome, streamed and by the rules.</param>
/// <param name="Ads">Ads whose accepted clicks differ most, streamed and by the rules.</param>
public sealed record RulesReport(
    ReconciliationRun Run, IReadOnlyList<(ClickOutcome Outcome, long Streamed, long Recounted)> Outcomes, IReadOnlyList<(string AdId, long Streamed, long Recounted)> Ads);
