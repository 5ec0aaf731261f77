using System.Buffers.Binary;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>What stands at the cursor.</summary>
internal enum CursorStep
{
    /// <summary>An intact record; the cursor moved past it.</summary>
    Record,

    /// <summary>The limit: nothing more to read.</summary>
    Limit,

    /// <summary>Bytes that are no record; the cursor stays before them.</summary>
    Unreadable,
}

/// <summary>
/// Walks the records of a partition in its files, page by page. It checks each record's checksum, not that offsets follow each other: that is for the
/// reader (damage) and for recovery (torn tail or damage) to judge. One thread at a time uses it.
/// </summary>
internal sealed class RecordCursor : IDisposable
{
    private readonly LogLayout _layout;
    private readonly SegmentReader _reader;
    private readonly byte[] _buffer;
    private long _bufferStart;
    private long _bufferEnd;
    private int _entryStart;
    private int _entryLength;

    /// <summary>A cursor that stands before an address, which is that of a record, the end of one, or the start of a page.</summary>
    public RecordCursor(SegmentFiles files, long address)
    {
        _layout = files.Layout;
        _reader = new SegmentReader(files);
        _buffer = GC.AllocateUninitializedArray<byte>(_layout.PageBytes);
        MoveTo(address);
    }

    /// <summary>Where the cursor stands: after the last record.</summary>
    public long Address { get; private set; }

    /// <summary>Offset of the last record.</summary>
    public long Offset => RecordFormat.OffsetOf(Entry);

    /// <summary>Append time of the last record, Unix ms.</summary>
    public long AppendTimeMs => RecordFormat.AppendTimeOf(Entry);

    /// <summary>How many records were durable when the last record was written.</summary>
    public long DurableBefore => Offset - RecordFormat.PlaceOf(Entry);

    /// <summary>The encoded record; valid until the next step.</summary>
    public ReadOnlySpan<byte> Record => Entry[RecordFormat.HeaderBytes..];

    private ReadOnlySpan<byte> Entry => _buffer.AsSpan(_entryStart, _entryLength);

    /// <summary>Moves to another address.</summary>
    public void MoveTo(long address) => Address = address;

    /// <summary>Steps over the next record below <paramref name="limit"/>, the end of a record.</summary>
    public CursorStep Next(long limit)
    {
        while (Address < limit)
        {
            var available = Load(limit);
            var entry = available.Length >= RecordFormat.LengthBytes ? BinaryPrimitives.ReadInt32LittleEndian(available) : 0;
            if (entry == 0)
            {
                // The rest of a page that the next record didn't fit into is zero; so is what a restart left free. Anything else was overwritten.
                if (available.ContainsAnyExcept((byte)0))
                {
                    return CursorStep.Unreadable;
                }

                Address = Math.Min(limit, _layout.PageEnd(Address));
                continue;
            }

            if (!TryTake(available))
            {
                return CursorStep.Unreadable;
            }

            Address += RecordFormat.SpaceOf(entry);
            return CursorStep.Record;
        }

        return CursorStep.Limit;
    }

    /// <summary>
    /// Looks for the next intact record after bytes that are none, at every place where one can begin, and steps over it. The checksum decides.
    /// </summary>
    /// <returns>Whether there is one below the limit.</returns>
    public bool FindNext(long limit)
    {
        Address += RecordFormat.LengthBytes;
        while (Address < limit)
        {
            var available = Load(limit);
            if (!available.ContainsAnyExcept((byte)0))
            {
                Address = _layout.PageEnd(Address);
                continue;
            }

            var pageEnd = _layout.PageEnd(Address);
            for (; Address < Math.Min(limit, pageEnd); Address += RecordFormat.LengthBytes)
            {
                available = Load(limit);
                if (TryTake(available))
                {
                    Address += RecordFormat.SpaceOf(_entryLength);
                    return true;
                }
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private bool TryTake(ReadOnlySpan<byte> available)
    {
        if (available.Length < RecordFormat.LengthBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(available);
        if (!RecordFormat.IsEntryLength(length) || RecordFormat.SpaceOf(length) > available.Length
            || !RecordFormat.IsIntact(available.Slice(RecordFormat.LengthBytes, length)))
        {
            return false;
        }

        _entryStart = (int)(Address - _bufferStart) + RecordFormat.LengthBytes;
        _entryLength = length;
        return true;
    }

    // The bytes from the cursor to the limit or the end of the page. They are read once; at the tail, again only for what has been added since.
    private ReadOnlySpan<byte> Load(long limit)
    {
        var until = Math.Min(limit, _layout.PageEnd(Address));
        if (Address < _bufferStart || Address >= _bufferEnd || _bufferEnd < until)
        {
            var bytes = _buffer.AsSpan(0, (int)(until - Address));
            _bufferEnd = _bufferStart = Address;
            _reader.Read(Address, bytes);
            _bufferEnd = until;
        }

        return _buffer.AsSpan((int)(Address - _bufferStart), (int)(until - Address));
    }
}
