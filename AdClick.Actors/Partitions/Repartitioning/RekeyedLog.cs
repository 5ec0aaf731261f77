using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>The saved state of a whole log, dealt out to the partitions of another one: each ad key goes where its clicks will go.</summary>
internal sealed class RekeyedLog
{
    /// <summary>Owner epoch of the first checkpoints: that of the change itself, so that the first owner gets a greater one.</summary>
    private const long OwnerEpoch = 1;

    /// <summary>After so many bytes of state a write ends: what partitions write at an ordinary checkpoint under load.</summary>
    private const int MaxWriteBytes = 4 * 1024 * 1024;

    private readonly LogIdentity _log;
    private readonly List<AdState>[] _ads;
    private readonly CountingTerms _terms;
    private readonly IReadOnlyList<GatewayMark> _marks;

    private RekeyedLog(LogIdentity log, List<AdState>[] ads, CountingTerms terms, long clockMs, IReadOnlyList<GatewayMark> marks)
    {
        _log = log;
        _ads = ads;
        _terms = terms;
        ClockMs = clockMs;
        _marks = marks;
    }

    /// <summary>
    /// Clock of every new partition: the greatest of the old ones. An ad whose partition was ahead has let go of impressions and minutes that its clock
    /// had passed; under a smaller clock a click of such an impression would be accepted a second time, and counters that were forgotten would begin again
    /// at 0 beneath the count that the store has. Under this one, a click that comes for them is late.
    /// </summary>
    public long ClockMs { get; }

    /// <summary>Ads that are still alive.</summary>
    public int Ads => _ads.Sum(ads => ads.Count);

    /// <summary>Impressions that they remember.</summary>
    public long Impressions => _ads.Sum(ads => ads.Sum(ad => (long)ad.Impressions));

    /// <summary>Deals out the ads.</summary>
    /// <param name="saved">Every partition of the old log; its ads are the new log's from here on.</param>
    /// <param name="log">The new log.</param>
    /// <exception cref="RepartitioningRefusedException">The old partitions judge by different terms.</exception>
    public static RekeyedLog Of(IReadOnlyList<SavedPartition> saved, LogIdentity log)
    {
        var terms = TermsOf(saved);
        var clockMs = saved.Max(partition => partition.Checkpoint!.ClockMs);
        var ads = new List<AdState>[log.Partitions];
        for (var partition = 0; partition < ads.Length; partition++)
        {
            ads[partition] = [];
        }

        foreach (var state in saved.SelectMany(partition => partition.Ads.Values))
        {
            if (!terms.HasPassed(state.AliveUntilMs, clockMs))
            {
                state.Reclaim(terms, clockMs);
                ads[state.Key.Partition(log.Partitions)].Add(state);
            }
        }

        return new RekeyedLog(log, ads, terms, clockMs, MarksOf(saved));
    }

    /// <summary>
    /// The state of a partition as journal events, a write at a time. Each write ends with a <see cref="CheckpointReached"/>, all of them at the same offset:
    /// it is the move of the store that makes them one, and what a partition holds may be more than a journal takes in one transaction.
    /// </summary>
    /// <param name="partition">Partition of the new log.</param>
    /// <param name="offset">Where its records begin.</param>
    public IEnumerable<IReadOnlyList<IPartitionMessage>> CheckpointsOf(int partition, long offset)
    {
        var ads = _ads[partition];
        var reached = new CheckpointReached
        {
            Offset = offset,
            ClockMs = ClockMs,
            AllowedLatenessMs = _terms.AllowedLatenessMs,
            CountedFromMs = _terms.CountedFromMs,
            OwnerEpoch = OwnerEpoch,
            AliveUntilMs = ads.Select(ad => ad.AliveUntilMs).DefaultIfEmpty(0).Max(),
            Marks = { _marks.Select(mark => new GatewayMarkState { Gateway = mark.Gateway, TimeMs = mark.TimeMs, OpenFromMs = mark.OpenFromMs }) },
        };
        var deltas = new List<AdDelta>();
        var bytes = 0;
        foreach (var delta in ads.SelectMany(ad => ad.CopyAll(_terms, ClockMs)))
        {
            deltas.Add(delta);
            bytes += delta.CalculateSize();
            if (bytes >= MaxWriteBytes)
            {
                yield return [.. CheckpointEvents.Pack(deltas, out _), reached];
                deltas.Clear();
                bytes = 0;
            }
        }

        yield return [.. CheckpointEvents.Pack(deltas, out _), reached];
    }

    /// <summary>The first progress of a partition: everything below the offset is in the store.</summary>
    /// <param name="partition">Partition of the new log.</param>
    /// <param name="offset">Where its records begin.</param>
    public PartitionProgress ProgressOf(int partition, long offset) => new()
    {
        LogEpoch = _log.Epoch,
        Partition = partition,
        OwnerEpoch = OwnerEpoch,
        FlushedOffset = offset,
        CheckpointOffset = offset,
        ClockMs = ClockMs,
        AllowedLatenessMs = _terms.AllowedLatenessMs,
        Marks = _marks,
    };

    // Clicks that one of them would call late, because it forgot counters under a shorter lateness, are late in all.
    private static CountingTerms TermsOf(IReadOnlyList<SavedPartition> saved)
    {
        var latenesses = saved.Select(partition => partition.Terms!.Value.AllowedLatenessMs).Distinct().ToArray();
        return latenesses.Length == 1
            ? new CountingTerms(latenesses[0], saved.Max(partition => partition.Terms!.Value.CountedFromMs))
            : throw new RepartitioningRefusedException(
                $"The partitions judge by different values of AdClick:AllowedLateness ({string.Join(", ", latenesses)} ms): a change of it is not "
                + "through yet. Start the node, stop it when it is ready, and try again.");
    }

    // Of what a gateway promised to the partitions that still hear it, the least; and it was heard when any of them heard it last.
    private static List<GatewayMark> MarksOf(IReadOnlyList<SavedPartition> saved) =>
    [
        .. saved.SelectMany(partition => partition.Checkpoint!.Marks
                .Where(mark => !partition.Terms!.Value.HasPassed(mark.TimeMs, partition.Checkpoint.ClockMs)))
            .GroupBy(mark => mark.Gateway)
            .Select(marks => new GatewayMark(marks.Key, marks.Max(mark => mark.TimeMs), marks.Min(mark => mark.OpenFromMs))),
    ];
}
