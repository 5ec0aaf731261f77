using System.Buffers.Binary;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// Finds records by offset without an index of its own: each page begins with a record that carries its offset, so a binary search over the pages
/// reads some twenty records in a log of 100 GB. Nothing to write, to lose or to rebuild.
/// </summary>
internal sealed class PageIndex(SegmentFiles files) : IDisposable
{
    private readonly SegmentReader _reader = new(files);
    private readonly byte[] _buffer = new byte[RecordFormat.LengthBytes + RecordFormat.MaxEntryBytes];

    /// <summary>What the first record of a page says of itself.</summary>
    /// <param name="Offset">Its offset.</param>
    /// <param name="AppendTimeMs">Its append time, Unix ms.</param>
    /// <param name="DurableBefore">How many records were durable when it was written.</param>
    public readonly record struct FirstRecord(long Offset, long AppendTimeMs, long DurableBefore);

    /// <summary>The first record of a page, if it is intact.</summary>
    public bool TryReadFirst(long pageStart, out FirstRecord first)
    {
        first = default;
        var address = LogLayout.FirstRecordOf(pageStart);
        var buffer = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, files.Layout.PageEnd(address) - address));
        _reader.Read(address, buffer);
        var length = BinaryPrimitives.ReadInt32LittleEndian(buffer);
        if (!RecordFormat.IsEntryLength(length) || length > buffer.Length - RecordFormat.LengthBytes)
        {
            return false;
        }

        var entry = buffer.Slice(RecordFormat.LengthBytes, length);
        if (!RecordFormat.IsIntact(entry))
        {
            return false;
        }

        var offset = RecordFormat.OffsetOf(entry);
        first = new FirstRecord(offset, RecordFormat.AppendTimeOf(entry), offset - RecordFormat.PlaceOf(entry));
        return true;
    }

    /// <summary>
    /// Start of the last page in <c>[low, high]</c> whose first record isn't above the offset; <paramref name="low"/> if there is none. Pages whose
    /// first record can't be read are stepped over: whoever reads on from an earlier one will meet the damage and name it.
    /// </summary>
    public long FindPage(long low, long high, long offset)
    {
        var pageBytes = files.Layout.PageBytes;
        var floor = low;
        while (low < high)
        {
            var middle = low + ((((high - low) / pageBytes) + 1) / 2 * pageBytes);
            if (ReadableAtOrBelow(middle, floor, out var first) is not { } page || first.Offset <= offset)
            {
                low = middle;
            }
            else
            {
                high = Math.Max(low, page - pageBytes);
            }
        }

        return ReadableAtOrBelow(low, floor, out _) ?? floor;
    }

    /// <summary>The last page at or below <paramref name="page"/>, not below <paramref name="floor"/>, whose first record is intact.</summary>
    public long? ReadableAtOrBelow(long page, long floor, out FirstRecord first)
    {
        for (; page >= floor; page -= files.Layout.PageBytes)
        {
            if (TryReadFirst(page, out first))
            {
                return page;
            }
        }

        first = default;
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();
}
