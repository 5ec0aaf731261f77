using System.Runtime.InteropServices;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Clicks;

/// <summary>
/// Stops a flood of requests for one impression before it reaches the log. Memory is fixed: of the impressions that share a set of slots, the least requested is
/// forgotten first, so that a flood is never forgotten for the sake of ordinary clicks.
/// </summary>
internal sealed class ImpressionLimiter
{
    /// <summary>Requests for one impression that pass within <see cref="Window"/>.</summary>
    public const int MaxRequests = 100;

    /// <summary>Span of time in which requests are counted, from the first one on.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private const int SlotsPerSet = 4;
    private const int Sets = 64 * 1024; // 4 x 65,536 slots of 24 bytes: 6 MiB, ten seconds of 25,000 clicks/s
    private const int Stripes = 64;

    private readonly Slot[] _slots = new Slot[Sets * SlotsPerSet];
    private readonly Lock[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    private readonly TimeProvider _time;

    /// <summary>A limiter by this clock.</summary>
    public ImpressionLimiter(TimeProvider time) => _time = time;

    /// <summary>Counts a request; false when there were too many.</summary>
    /// <param name="id">The impression.</param>
    /// <param name="isFirst">Whether it is the first request for the impression, as far as is remembered.</param>
    public bool TryPass(ImpressionId id, out bool isFirst)
    {
        // The low half of a UUIDv7 is random, so it serves as the hash, and as the name: a clash is a matter of 2^-62.
        var set = (int)((id.Low * 0x9E3779B97F4A7C15) >> 48);
        var now = _time.GetTimestamp();
        lock (_stripes[set % Stripes])
        {
            var slots = _slots.AsSpan(set * SlotsPerSet, SlotsPerSet);
            ref var chosen = ref slots[0];
            foreach (ref var slot in slots)
            {
                if (slot.IdLow == id.Low)
                {
                    chosen = ref slot;
                    break;
                }

                if (Requests(slot, now) < Requests(chosen, now))
                {
                    chosen = ref slot;
                }
            }

            if (chosen.IdLow != id.Low || IsOver(chosen, now))
            {
                chosen = new Slot { IdLow = id.Low, Since = now };
            }

            isFirst = ++chosen.Requests == 1;
            return chosen.Requests <= MaxRequests;
        }
    }

    private int Requests(in Slot slot, long now) => IsOver(slot, now) ? 0 : slot.Requests;

    private bool IsOver(in Slot slot, long now) => slot.Requests == 0 || _time.GetElapsedTime(slot.Since, now) >= Window;

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        public ulong IdLow;
        public long Since;
        public int Requests;
    }
}
