using Confluent.Kafka;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Where the consumer's thread finds the bytes of the record that it consumed last: Confluent's own deserializer would allocate an array for each.
/// A record without a value (a tombstone) lands as an empty one, which the decoder rejects as unreadable, like any other that is no click.
/// </summary>
internal sealed class Landing : IDeserializer<int>
{
    private byte[] _bytes = new byte[ClickLogLimits.MaxRecordBytes];
    private int _length;

    /// <summary>The record; valid until the next one is consumed.</summary>
    public ReadOnlySpan<byte> Record => _bytes.AsSpan(0, _length);

    /// <inheritdoc/>
    /// <returns>Length of the record.</returns>
    public int Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        if (data.Length > _bytes.Length)
        {
            _bytes = new byte[data.Length];
        }

        data.CopyTo(_bytes);
        return _length = data.Length;
    }
}
