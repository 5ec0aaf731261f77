using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Akka.Persistence;

namespace AdClick.Actors.Partitions;

/// <summary>
/// A partition as its newest checkpoint saved it, put together from what a recovery brings: the newest snapshot and the journal's events behind it.
/// </summary>
/// <param name="partition">Partition number, for messages.</param>
internal sealed class SavedPartition(int partition)
{
    private readonly List<PartitionDelta> _unconfirmed = [];
    private readonly Queue<(long SequenceNr, long AliveUntilMs)> _checkpoints = [];
    private CountingTerms? _terms;

    /// <summary>Partition number.</summary>
    public int Partition => partition;

    /// <summary>The ads, some of which the clock may have outlived.</summary>
    public Dictionary<AdKey, AdState> Ads { get; } = [];

    /// <summary>The newest checkpoint; null when there is none.</summary>
    public CheckpointReached? Checkpoint { get; private set; }

    /// <summary>Terms of the newest checkpoint; null when there is none.</summary>
    public CountingTerms? Terms => _terms;

    /// <summary>Sequence numbers of the checkpoints that were read, the snapshot's first, and when the clock outlives each.</summary>
    public IReadOnlyCollection<(long SequenceNr, long AliveUntilMs)> Checkpoints => _checkpoints;

    /// <summary>Sequence number of the snapshot; 0 when there is none.</summary>
    public long SnapshotSequenceNr { get; private set; }

    /// <summary>Bytes of the deltas behind the snapshot.</summary>
    public long DeltaBytes { get; private set; }

    /// <summary>Takes the next message of a recovery.</summary>
    /// <param name="message">A snapshot offer or an event; what is neither is passed over.</param>
    /// <param name="sequenceNr">Sequence number of the event.</param>
    public void Take(object message, long sequenceNr)
    {
        switch (message)
        {
            case SnapshotOffer { Snapshot: PartitionSnapshot snapshot } offer:
                foreach (var delta in snapshot.Ads)
                {
                    Load(delta);
                }

                SnapshotSequenceNr = offer.Metadata.SequenceNr;
                TakeUp(snapshot.Checkpoint, offer.Metadata.SequenceNr);
                break;
            case PartitionDelta delta:
                _unconfirmed.Add(delta);
                break;
            case CheckpointReached checkpoint:
                foreach (var delta in _unconfirmed)
                {
                    DeltaBytes += delta.CalculateSize();
                    foreach (var ad in delta.Ads)
                    {
                        Load(ad);
                    }
                }

                _unconfirmed.Clear();
                TakeUp(checkpoint, sequenceNr);
                break;
        }
    }

    /// <summary>To be called behind the last message.</summary>
    /// <exception cref="InvalidOperationException">The journal ends within a checkpoint.</exception>
    /// <exception cref="LogMismatchException">The snapshot that the journal goes on from is missing.</exception>
    public void Complete()
    {
        if (_unconfirmed.Count > 0)
        {
            throw new InvalidOperationException(
                $"Partition {partition}: the journal ends in the middle of a checkpoint, which one atomic write can't leave behind. "
                + "Restore the journal from a backup.");
        }

        if (Checkpoint is { } newest && newest.SnapshotSequenceNr > SnapshotSequenceNr)
        {
            throw new LogMismatchException(
                $"Partition {partition}: the journal goes on from the snapshot at sequence number {newest.SnapshotSequenceNr}, which is missing. "
                + "Journal and snapshots belong together: restore both from one backup.");
        }
    }

    private void Load(AdDelta delta)
    {
        var key = new AdKey(delta.AdId, (int)delta.SubShard);
        if (!Ads.TryGetValue(key, out var state))
        {
            Ads.Add(key, state = new AdState(key));
        }

        state.Load(delta);
    }

    private void TakeUp(CheckpointReached checkpoint, long sequenceNr)
    {
        // What was dead when the allowed lateness changed stays dead, as it did in the first pass.
        var terms = new CountingTerms(checkpoint.AllowedLatenessMs, checkpoint.CountedFromMs);
        if (_terms is { } before && before != terms)
        {
            foreach (var state in Ads.Values)
            {
                state.Reclaim(before, checkpoint.ClockMs);
            }
        }

        _terms = terms;
        Checkpoint = checkpoint;
        _checkpoints.Enqueue((sequenceNr, checkpoint.AliveUntilMs));
    }
}
