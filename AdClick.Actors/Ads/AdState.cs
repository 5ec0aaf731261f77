using System.Runtime.InteropServices;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Google.Protobuf;

namespace AdClick.Actors.Ads;

/// <summary>
/// All that is known of one ad key: which impressions were clicked, and how many clicks of each minute had which outcome. A pure function of the
/// records that were applied, in offset order (I4).
/// </summary>
internal sealed class AdState
{
    /// <summary>Most bytes of impressions in one delta, so that several fit into a journal event of 256 KiB.</summary>
    public const int MaxDeltaImpressionBytes = 128 * 1024 / WindowEntry.ByteLength * WindowEntry.ByteLength;

    private const int AdOverheadBytes = 32; // the ad key, and Protobuf's tags

    private readonly ImpressionWindow _window = new();
    private readonly MinuteCounts _counts = new();
    private long _countsEndMs;

    /// <summary>State of an ad that was never clicked.</summary>
    public AdState(AdKey key) => Key = key;

    /// <summary>The ad key.</summary>
    public AdKey Key { get; }

    /// <summary>Impressions remembered.</summary>
    public int Impressions => _window.Count;

    /// <summary>Bytes that the state takes, beyond a fixed base for each ad.</summary>
    public long MemoryBytes => _window.MemoryBytes + _counts.MemoryBytes;

    /// <summary>Unix milliseconds of partition clock which, passed by more than the allowed lateness, leaves nothing here that matters.</summary>
    public long AliveUntilMs => Math.Max(_window.EndMs, _countsEndMs);

    /// <summary>What it holds, and for how long.</summary>
    public AdSize Size => new(_window.Count, _window.SavedBytes + (_counts.Count * 8L) + AdOverheadBytes, AliveUntilMs);

    /// <summary>
    /// The counting rule (docs/architecture.md): judges one click, remembers it, and counts it. A click that is too late for the counter of its
    /// minute is not counted here; it gets a row of its own.
    /// </summary>
    public ClickOutcome Apply(in LoggedClick click, CountingTerms terms, out bool isLate)
    {
        isLate = terms.IsLate(click.EffectiveTimeMs, click.ClockMs);
        var position = _window.Find(click.Impression, terms, click.ClockMs);
        var outcome = Judge(click, position, isLate);
        if (outcome != ClickOutcome.Repeat)
        {
            Remember(click, position, outcome == ClickOutcome.Accepted, terms);
        }

        if (!isLate)
        {
            var minute = MinuteCounts.MinuteOf(click.EffectiveTimeMs);
            _counts.Add(minute, outcome);
            _countsEndMs = Math.Max(_countsEndMs, (minute + 1L) * 60_000);
        }

        return outcome;
    }

    /// <summary>The absolute counts that <see cref="Apply"/> has changed since the last call.</summary>
    public MinuteCell[] TakeTouchedCounts() => _counts.TakeTouched();

    /// <summary>
    /// Gives what has changed since the last hand-over, as of now, and takes it as saved.
    /// </summary>
    /// <param name="terms">Terms in force.</param>
    /// <param name="clockMs">Partition clock now.</param>
    /// <param name="checkpointClockMs">Partition clock of the newest completed checkpoint.</param>
    /// <param name="aliveUntilMs">When the last of it ends, Unix milliseconds.</param>
    public IReadOnlyList<AdDelta> HandOver(CountingTerms terms, long clockMs, long checkpointClockMs, out long aliveUntilMs)
    {
        var part = _window.Copy(all: false, terms, clockMs);
        var cells = _counts.HandOver(all: false, out var countsEndMs);
        _window.MarkHandedOver();
        _counts.MarkHandedOver();
        _counts.Forget(terms, checkpointClockMs);
        _window.Reclaim(terms, clockMs);
        aliveUntilMs = Math.Max(part.EndMs, countsEndMs);
        return Encode(part, cells);
    }

    /// <summary>Gives the whole state as of now, for a snapshot.</summary>
    public IReadOnlyList<AdDelta> CopyAll(CountingTerms terms, long clockMs) =>
        Encode(_window.Copy(all: true, terms, clockMs), _counts.HandOver(all: true, out _));

    /// <summary>Puts a part of a checkpoint in.</summary>
    public void Load(AdDelta delta)
    {
        _window.Load(MemoryMarshal.Cast<byte, WindowEntry>(delta.Impressions.Span));
        foreach (var further in delta.FurtherNonces)
        {
            _window.LoadFurtherNonces(new ImpressionId(further.ImpressionHigh, further.ImpressionLow), [.. further.Nonces]);
        }

        foreach (var cell in MemoryMarshal.Cast<byte, MinuteCell>(delta.MinuteCounts.Span))
        {
            _counts.Load(cell);
            _countsEndMs = Math.Max(_countsEndMs, (cell.Minute + 1L) * 60_000);
        }
    }

    /// <summary>
    /// Lets go of what is dead under these terms; called before they change, so that nothing comes back to life under a longer lateness.
    /// </summary>
    public void Reclaim(CountingTerms terms, long clockMs)
    {
        _window.Reclaim(terms, clockMs);
        _counts.Forget(terms, clockMs);
    }

    private ClickOutcome Judge(in LoggedClick click, int position, bool isLate)
    {
        if (position >= 0 && _window.HoldsNonce(position, click.Nonce))
        {
            return ClickOutcome.Repeat;
        }

        if (click.Verdict.ToOutcome() is { } invalid)
        {
            return invalid;
        }

        if (click.ClickTimeMs > click.ExpiresAtMs)
        {
            return ClickOutcome.Expired;
        }

        if (isLate)
        {
            return ClickOutcome.Late;
        }

        return position >= 0 && _window.IsAccepted(position) ? ClickOutcome.Duplicate : ClickOutcome.Accepted;
    }

    private void Remember(in LoggedClick click, int position, bool accepted, CountingTerms terms)
    {
        if (position >= 0)
        {
            _window.Update(position, click.Nonce, click.ExpiresAtMs, accepted);
        }
        else if (!terms.HasPassed(ImpressionWindow.BucketEndMs(click.ExpiresAtMs), click.ClockMs))
        {
            _window.Add(click.Impression, click.Nonce, click.ExpiresAtMs, accepted, terms, click.ClockMs);
        }
    }

    private List<AdDelta> Encode(WindowPart part, MinuteCell[] cells)
    {
        // Checkpoints are little-endian on disk, as is every machine that .NET 10 runs on.
        var impressions = MemoryMarshal.AsBytes(part.Entries.AsSpan());
        var deltas = new List<AdDelta>(1);
        do
        {
            var size = Math.Min(impressions.Length, MaxDeltaImpressionBytes);
            deltas.Add(new AdDelta
            {
                AdId = Key.AdId,
                SubShard = (uint)Key.SubShard,
                Impressions = ByteString.CopyFrom(impressions[..size]),
            });
            impressions = impressions[size..];
        }
        while (!impressions.IsEmpty);

        deltas[0].MinuteCounts = ByteString.CopyFrom(MemoryMarshal.AsBytes(cells.AsSpan()));
        for (var i = 0; i < part.FurtherNonces.Count; i++)
        {
            // Spread, so that an ad under attack does not make one delta too large for an event.
            var (id, nonces) = part.FurtherNonces[i];
            if (deltas[^1].FurtherNonces.Count == MaxFurtherNoncesPerDelta)
            {
                deltas.Add(new AdDelta { AdId = Key.AdId, SubShard = (uint)Key.SubShard });
            }

            deltas[^1].FurtherNonces.Add(new FurtherNonces { ImpressionHigh = id.High, ImpressionLow = id.Low, Nonces = { nonces } });
        }

        return deltas;
    }

    private const int MaxFurtherNoncesPerDelta = 1024;

    /// <summary>Names the counters of a batch for the metrics store.</summary>
    public static MinuteCount ToMinuteCount(AdKey key, MinuteCell cell) => new(key.AdId, key.SubShard, cell.Minute, cell.Outcome, cell.Clicks);
}
