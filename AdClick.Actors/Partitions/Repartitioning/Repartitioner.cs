using System.Globalization;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Akka.Actor;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>
/// Moves the counting from one log to another with a different number of partitions, while no node runs: counts the old log to its end, writes the state
/// that it leaves as the first checkpoints of the new one, and switches the metrics store over. The switch is one transaction: killed before it, the old
/// log counts on as if nothing had been tried; killed behind it, the new one does.
/// </summary>
/// <remarks>
/// Which logs they are is the caller's business, and so is what becomes of the old one and of its rows in journal and snapshots.
/// </remarks>
public sealed class Repartitioner
{
    private readonly ActorSystem _system;
    private readonly PartitionContext _context;
    private readonly IClickLog _next;
    private readonly Action<string> _tell;

    /// <summary>A change from one log to another.</summary>
    /// <param name="system">Actor system with the journal.</param>
    /// <param name="context">The old log, the store, and the settings that its nodes count by.</param>
    /// <param name="next">The new log: empty, and unknown to the store.</param>
    /// <param name="tell">Is told what is done, a sentence at a time.</param>
    public Repartitioner(ActorSystem system, PartitionContext context, IClickLog next, Action<string> tell)
    {
        _system = system;
        _context = context;
        _next = next;
        _tell = tell;
    }

    /// <summary>Does it. When it returns, the store is the new log's.</summary>
    /// <exception cref="RepartitioningRefusedException">It can't be done as things are; the old log is the store's still.</exception>
    /// <exception cref="ClickLogUnavailableException">A log can't be asked now.</exception>
    /// <exception cref="MetricsStoreUnavailableException">
    /// The store can't answer now; if it was the switch that failed, <see cref="IMetricsStore.FindLogAsync"/> tells whether it was done.
    /// </exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (old, next) = (_context.Log.Identity, _next.Identity);
        var begins = await FindBeginsAsync(cancellationToken).ConfigureAwait(false);
        _tell($"Counting log {old.Epoch} with {old.Partitions} partitions to its end.");
        var ranges = await PartitionDrain.RunAsync(_system, _context, _tell, cancellationToken).ConfigureAwait(false);

        // Whoever counts from here on raises an owner epoch or moves a flushed offset, and the switch finds it out.
        var progress = await _context.Store.ReadProgressAsync(old.Epoch, cancellationToken).ConfigureAwait(false);
        var saved = await ReadAsync(ranges, cancellationToken).ConfigureAwait(false);
        var rekeyed = RekeyedLog.Of(saved, next);
        _tell($"Saving {rekeyed.Ads} ads with {rekeyed.Impressions} impressions for log {next.Epoch} with {next.Partitions} partitions.");
        for (var partition = 0; partition < next.Partitions; partition++)
        {
            await PartitionJournal.WriteAsync(_system, next, partition, rekeyed.CheckpointsOf(partition, begins[partition]), cancellationToken)
                .ConfigureAwait(false);
        }

        await RefuseNewClicksAsync(ranges, cancellationToken).ConfigureAwait(false);
        await SwitchAsync(progress, [.. begins.Select((begin, partition) => rekeyed.ProgressOf(partition, begin))], cancellationToken).ConfigureAwait(false);
        _tell($"The counts go on with log {next.Epoch}.");
    }

    private async Task<long[]> FindBeginsAsync(CancellationToken cancellationToken)
    {
        var begins = new long[_next.Identity.Partitions];
        for (var partition = 0; partition < begins.Length; partition++)
        {
            var range = await _next.FindRangeAsync(partition, cancellationToken).ConfigureAwait(false);
            begins[partition] = range.Begin == range.End
                ? range.Begin
                : throw new RepartitioningRefusedException(
                    $"The new log is not empty: partition {partition} holds offsets [{range.Begin}, {range.End}). Clicks must not go there before the change.");
        }

        return begins;
    }

    private async Task<SavedPartition[]> ReadAsync(IReadOnlyList<LogRange> ranges, CancellationToken cancellationToken)
    {
        var saved = new SavedPartition[ranges.Count];
        for (var partition = 0; partition < saved.Length; partition++)
        {
            saved[partition] = await PartitionJournal.ReadAsync(_system, _context.Log.Identity, partition, cancellationToken).ConfigureAwait(false);
            if (saved[partition].Checkpoint?.Offset != ranges[partition].End)
            {
                throw new RepartitioningRefusedException(
                    $"Partition {partition} ends at offset {ranges[partition].End}, but its newest checkpoint stands at "
                    + $"{saved[partition].Checkpoint?.Offset.ToString(CultureInfo.InvariantCulture) ?? "none"}: clicks still come in, or its last checkpoint failed. "
                    + "Stop every node and try again.");
            }
        }

        return saved;
    }

    // A click that came meanwhile would never be counted.
    private async Task RefuseNewClicksAsync(IReadOnlyList<LogRange> ranges, CancellationToken cancellationToken)
    {
        for (var partition = 0; partition < ranges.Count; partition++)
        {
            var range = await _context.Log.FindRangeAsync(partition, cancellationToken).ConfigureAwait(false);
            if (range.End != ranges[partition].End)
            {
                throw new RepartitioningRefusedException(
                    $"Partition {partition} of the old log has grown from offset {ranges[partition].End} to {range.End}: clicks still come in. "
                    + "Stop every node and try again.");
            }
        }
    }

    private async Task SwitchAsync(IReadOnlyList<PartitionProgress> from, IReadOnlyList<PartitionProgress> to, CancellationToken cancellationToken)
    {
        try
        {
            await _context.Store.MoveToAsync(from, _next.Identity, to, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StaleOwnerException or LogMismatchException)
        {
            throw new RepartitioningRefusedException(e.Message, e);
        }
    }
}
