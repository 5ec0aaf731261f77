using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.Lake;

/// <summary>
/// Archives one partition for as long as its owner owns it. In each cut it reads a stretch of the log, writes its files, and only then moves the progress in the
/// store, fenced by the owner's epoch: so a file that the store does not name is nobody's, and is removed at the next start. Whatever fails is tried again
/// from the stored progress; the counting neither waits for it nor hears of it.
/// </summary>
internal sealed class PartitionArchiver : IDisposable
{
    private readonly IClickLog _log;
    private readonly IArchiveStore _store;
    private readonly ILakeStorage _storage;
    private readonly LakeSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ArchiveState _state;
    private readonly SemaphoreSlim _turn;
    private readonly ArchiveOwner _owner;
    private readonly CancellationTokenSource _ending = new();
    private int _failures;

    /// <summary>Begins.</summary>
    /// <param name="archive">What the partitions of the node share.</param>
    /// <param name="owner">Who owns the partition.</param>
    /// <param name="state">Where it is told how far it has come.</param>
    /// <param name="turn">One partition at a time makes a cut, which bounds memory and leaves processors to the clicks.</param>
    public PartitionArchiver(ArchiveParts archive, ArchiveOwner owner, ArchiveState state, SemaphoreSlim turn)
    {
        (_log, _store, _storage, _settings, _time, _logger) = archive;
        _owner = owner;
        _state = state;
        _turn = turn;
        Ended = Task.Run(RunAsync);
    }

    /// <summary>Ends when it has ended.</summary>
    public Task Ended { get; }

    /// <summary>Tells it to end, wherever it is.</summary>
    public void Dispose() => _ending.Cancel();

    private async Task RunAsync()
    {
        var token = _ending.Token;
        while (!token.IsCancellationRequested)
        {
            try
            {
                await ArchiveAsync(token).ConfigureAwait(false);
            }
            catch (StaleOwnerException)
            {
                return; // the counting of this owner ends, too
            }
#pragma warning disable CA1031 // Whatever it is, the archive waits and says so.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (token.IsCancellationRequested)
                {
                    return;
                }

                Fail(e);
                var pause = _settings.MinBackOff * Math.Pow(2, Math.Min(_failures++, 10)) * (0.75 + (Random.Shared.NextDouble() / 2));
                await Task.Delay(pause < _settings.MaxBackOff ? pause : _settings.MaxBackOff, _time, token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Fail(Exception cause)
    {
        ArchiveMetrics.Failures.Add(1);
        _state.Fault = $"Partition {_owner.Partition} can't be archived in {_storage.Place}: {cause.Message}";
        if (_failures == 0)
        {
            _logger.LogWarning(
                cause is IOException ? null : cause, "{Fault} It is tried again, and the click log keeps what is not archived; counting goes on.", _state.Fault);
        }
    }

    private void Succeed(ArchiveProgress progress)
    {
        _state.ArchivedOffset = progress.Offset;
        if (_failures > 0)
        {
            _logger.LogInformation("Partition {Partition} is archived again, up to offset {Offset}.", _owner.Partition, progress.Offset);
        }

        _failures = 0;
        _state.Fault = null;
    }

    private async Task ArchiveAsync(CancellationToken token)
    {
        var progress = await TakeUpAsync(token).ConfigureAwait(false);
        await RemoveLeftoversAsync(token).ConfigureAwait(false);

        // Partitions take turns over the age of a cut, so that they don't come due together.
        var lastCut = _time.GetTimestamp();
        var age = _settings.MaxAge * ((_owner.Partition % 8) / 8.0);
        while (true)
        {
            var end = _log.RangeOf(_owner.Partition).End;
            var isDue = end - progress.Offset >= _settings.MaxRows
                || (end > progress.Offset && (_state.IsDraining || age + _time.GetElapsedTime(lastCut) >= _settings.MaxAge));
            if (isDue)
            {
                progress = await CutAsync(progress, end, token).ConfigureAwait(false);
                lastCut = _time.GetTimestamp();
                age = TimeSpan.Zero;
            }
            else
            {
                _state.ArchivedOffset = progress.Offset;
                await Task.Delay(_settings.PollInterval, _time, token).ConfigureAwait(false);
            }
        }
    }

    // Where the archive goes on: after what the log still holds, a person has to say so.
    private async Task<ArchiveProgress> TakeUpAsync(CancellationToken token)
    {
        var progress = await _store.StartArchiveAsync(_owner, 0, 0, token).ConfigureAwait(false);
        var begin = _log.RangeOf(_owner.Partition).Begin;
        if (progress.Offset >= begin)
        {
            return progress;
        }

        var loss = $"the click log no longer holds offsets [{progress.Offset}, {begin}), which are not archived";
        if (!_settings.SkipLostClicks)
        {
            throw new ClickLogDamagedException(
                $"{loss}. Restore the log, or accept that these clicks can't be proven: set AdClick:SkipLostClicks to true, start, and set it back when the partition is archived.");
        }

        var cut = new ArchiveCut
        {
            Owner = _owner,
            FirstOffset = progress.Offset,
            EndOffset = begin,
            ClockMs = progress.ClockMs,
            Files = [],
            IsLost = true,
        };
        await _store.CommitCutAsync(cut, token).ConfigureAwait(false);
        ArchiveMetrics.Lost.Add(begin - progress.Offset);
        _logger.LogError("Partition {Partition}: {Loss}. The archive goes on from there, as AdClick:SkipLostClicks says.", _owner.Partition, loss);
        return progress with { Offset = begin };
    }

    // Files are listed first, then the store says which of them count, and that we are the owner still: so no newer owner has written any of them, and
    // none of the others will ever be noted.
    private async Task RemoveLeftoversAsync(CancellationToken token)
    {
        var found = await _storage.ListAsync(LakeFileName.PrefixOf(_owner.LogEpoch, _owner.Partition), token).ConfigureAwait(false);
        var noted = await _store.ListLakeFilesAsync(_owner, token).ConfigureAwait(false);
        var missing = noted.Except(found).Select(LakeFileName.WithoutRandom).ToHashSet(StringComparer.Ordinal);
        foreach (var name in found.Where(name => !noted.Contains(name)))
        {
            // A store that was restored from before a file was written anew names the former one.
            if (missing.Contains(LakeFileName.WithoutRandom(name)))
            {
                _logger.LogWarning(
                    "File {Name} in {Lake} is not one that the store names, but holds the same offsets and hour as one that is missing: it is left there. docs/lake.md says what to do.",
                    name, _storage.Place);
                continue;
            }

            await _storage.DeleteAsync(name, token).ConfigureAwait(false);
            _logger.LogInformation("File {Name} was left in {Lake} by a cut that did not end; it is removed, and its clicks are archived again.", name, _storage.Place);
        }
    }

    private async Task<ArchiveProgress> CutAsync(ArchiveProgress from, long end, CancellationToken token)
    {
        await _turn.WaitAsync(token).ConfigureAwait(false);
        try
        {
            var started = _time.GetTimestamp();
            var cut = await LogCut.ReadAsync(_log, _owner.Partition, from, end, _settings, token).ConfigureAwait(false);
            var files = await cut.WriteAsync(_storage, token).ConfigureAwait(false);
            await _store.CommitCutAsync(
                new ArchiveCut { Owner = _owner, FirstOffset = cut.FirstOffset, EndOffset = cut.EndOffset, ClockMs = cut.ClockMs, Files = files },
                token).ConfigureAwait(false);
            ArchiveMetrics.Rows.Add(cut.Rows);
            ArchiveMetrics.Files.Add(files.Count);
            ArchiveMetrics.Bytes.Add(files.Sum(file => file.Bytes));
            ArchiveMetrics.CutDuration.Record(_time.GetElapsedTime(started).TotalSeconds);
            var progress = new ArchiveProgress(cut.EndOffset, cut.ClockMs);
            Succeed(progress);
            return progress;
        }
        finally
        {
            _turn.Release();
        }
    }
}
