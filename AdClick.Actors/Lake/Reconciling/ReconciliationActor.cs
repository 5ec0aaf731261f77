using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>Reconciles hours as they become due, one run at a time. A cluster has one of it.</summary>
public sealed class ReconciliationActor : UntypedActor, IWithTimers
{
    private readonly Reconciler _reconciler;
    private readonly IReconciliationStore _store;
    private readonly ReconciliationSchedule _schedule;
    private readonly ReconciliationState _state;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private bool _isBusy;
    private bool _isFailing;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public ReconciliationActor(Reconciler reconciler, IReconciliationStore store, ReconciliationSchedule schedule, ReconciliationState state, TimeProvider time)
    {
        _reconciler = reconciler;
        _store = store;
        _schedule = schedule;
        _state = state;
        _time = time;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How it is made.</summary>
    /// <param name="reconciler">Does the runs.</param>
    /// <param name="store">Knows what was reconciled.</param>
    /// <param name="schedule">When hours are due.</param>
    /// <param name="state">Is told what there is to tell of it.</param>
    /// <param name="time">Clock.</param>
    public static Props Props(Reconciler reconciler, IReconciliationStore store, ReconciliationSchedule schedule, ReconciliationState state, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ReconciliationActor(reconciler, store, schedule, state, time));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(Look.Instance, Look.Instance, _schedule.Interval);
        Self.Tell(Look.Instance);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        _state.Clear();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Look when !_isBusy:
                _isBusy = true;
                ReconcileNextAsync().PipeTo(Self, success: more => new Ended(more, null), failure: e => new Ended(false, e));
                break;
            case Look:
                break;
            case Ended { HasMore: var hasMore, Failure: var failure }:
                _isBusy = false;
                Note(failure);
                if (hasMore)
                {
                    Self.Tell(Look.Instance);
                }

                break;
            default:
                Unhandled(message);
                break;
        }
    }

    // Whatever it is, counting and answers go on; it is tried again at the next look.
    private void Note(Exception? failure)
    {
        if (failure is not null && !_isFailing && !_stopping.IsCancellationRequested)
        {
            _log.Warning(failure is IOException ? null : failure, "Reconciliation could not be done now and will be tried again: {0}", failure.Message);
        }

        _isFailing = failure is not null;
        _state.Fault = failure is null ? null : $"Reconciliation fails and is tried again: {failure.Message}";
    }

    private async Task<bool> ReconcileNextAsync()
    {
        var token = _stopping.Token;
        if (await _store.FindFirstLakeHourAsync(token).ConfigureAwait(false) is not { } firstHour)
        {
            return false;
        }

        var closedMs = await FindClosedAsync(token).ConfigureAwait(false);
        var window = _schedule.Window(firstHour, closedMs);
        var verdicts = await _store.ReadVerdictsAsync(window, token).ConfigureAwait(false);
        _state.Note(verdicts);
        if (_schedule.Next(window, verdicts, closedMs - (long)_reconciler.ReadBack.TotalMilliseconds, _time.GetUtcNow()) is not { } hours)
        {
            return false;
        }

        var (_, result) = await _reconciler.RunAsync(hours, RunKind.Scheduled, "schedule", token).ConfigureAwait(false);
        _state.Note(result);
        return true;
    }

    private async Task<long> FindClosedAsync(CancellationToken token)
    {
        var closedMs = 0L;
        var now = HourRange.Around(_time.GetUtcNow().ToUnixTimeMilliseconds(), _time.GetUtcNow().ToUnixTimeMilliseconds() + 1);
        await _store.ReadBasisAsync(
            now, now,
            basis =>
            {
                var current = basis.Partitions.Where(partition => partition.LogEpoch == basis.Log?.Epoch).ToList();
                closedMs = basis.Log is { } log && current.Count == log.Partitions
                    ? current.Min(partition => Math.Min(partition.ArchivedClockMs, partition.FlushedClockMs ?? 0) - (partition.AllowedLatenessMs ?? 0))
                    : 0;
                return null;
            },
            token).ConfigureAwait(false);
        return closedMs;
    }

    /// <summary>What its timer says; a test may say it too.</summary>
    internal sealed class Look
    {
        /// <summary>The one that there is.</summary>
        public static readonly Look Instance = new();
    }

    private sealed record Ended(bool HasMore, Exception? Failure) : INoSerializationVerificationNeeded;
}
