using System.Buffers;
using System.ComponentModel;
using AdClick.Actors.Metrics;
using Microsoft.Extensions.Caching.Hybrid;

namespace AdClick.Gateway.Metrics;

/// <summary>An answer in the cache. The attribute makes HybridCache hand out the object itself rather than a copy.</summary>
/// <param name="Value">The answer.</param>
[ImmutableObject(true)]
internal sealed record CachedReport(ClickReport Value)
{
    /// <summary>Approximate size in memory.</summary>
    public int Bytes
    {
        get
        {
            var buckets = Value.Series.Count + (Value.Groups ?? []).Sum(group => group.Series.Count + 1);
            return 256 + (BytesPerBucket * buckets);
        }
    }

    // Object header, start (16), state, six counts, and the reference to it.
    private const int BytesPerBucket = 104;
}

/// <summary>
/// Weighs an answer for the bound of the cache. HybridCache asks for an item's serialized form to know its size, also of items that it keeps as
/// objects; as
/// there is no second cache behind it, nobody reads that form, and only its length matters.
/// </summary>
internal sealed class CachedReportScales : IHybridCacheSerializer<CachedReport>
{
    /// <inheritdoc/>
    public void Serialize(CachedReport value, IBufferWriter<byte> target)
    {
        for (var left = value.Bytes; left > 0;)
        {
            var part = Math.Min(left, 4096);
            target.GetSpan(part)[..part].Clear();
            target.Advance(part);
            left -= part;
        }
    }

    /// <inheritdoc/>
    public CachedReport Deserialize(ReadOnlySequence<byte> source) =>
        throw new NotSupportedException("Answers are cached in this process only; the distributed cache is switched off for them.");
}
