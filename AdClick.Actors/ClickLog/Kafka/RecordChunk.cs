using System.Buffers;
using System.Buffers.Binary;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Some consecutive records of a partition in one pooled array: the consumer's thread writes it, then a reader reads it, never both at a time.
/// A record is its offset, its append time, its length, and its bytes.
/// </summary>
internal sealed class RecordChunk
{
    private const int HeaderBytes = 8 + 8 + 4;
    private const int ChunkBytes = 64 * 1024;

    private readonly byte[] _bytes;
    private int _written;
    private int _read;

    /// <summary>An empty chunk that has room for a record of the given length, and for many of usual ones.</summary>
    public RecordChunk(int recordLength) => _bytes = ArrayPool<byte>.Shared.Rent(Math.Max(ChunkBytes, HeaderBytes + recordLength));

    /// <summary>Bytes that the written records take.</summary>
    public int Bytes => _written;

    /// <summary>Bytes that a record of the given length takes.</summary>
    public static int BytesOf(int recordLength) => HeaderBytes + recordLength;

    /// <summary>Copies a record in; false when it doesn't fit any more.</summary>
    public bool TryAdd(long offset, long appendTimeMs, ReadOnlySpan<byte> record)
    {
        if (_bytes.Length - _written < HeaderBytes + record.Length)
        {
            return false;
        }

        var target = _bytes.AsSpan(_written);
        BinaryPrimitives.WriteInt64LittleEndian(target, offset);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], appendTimeMs);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], record.Length);
        record.CopyTo(target[HeaderBytes..]);
        _written += HeaderBytes + record.Length;
        return true;
    }

    /// <summary>Moves the next record into a batch; false when there is none left.</summary>
    public bool TryMoveTo(LogBatch batch)
    {
        if (_read == _written)
        {
            return false;
        }

        var source = _bytes.AsSpan(_read);
        var length = BinaryPrimitives.ReadInt32LittleEndian(source[16..]);
        var offset = BinaryPrimitives.ReadInt64LittleEndian(source);
        batch.Add(offset, BinaryPrimitives.ReadInt64LittleEndian(source[8..]), source.Slice(HeaderBytes, length));
        batch.NextOffset = offset + 1;
        _read += HeaderBytes + length;
        return true;
    }

    /// <summary>Gives the array back to the pool. The chunk is not used after that.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(_bytes);
}
