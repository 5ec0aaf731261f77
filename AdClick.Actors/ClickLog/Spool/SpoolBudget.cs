namespace AdClick.Actors.ClickLog.Spool;

/// <summary>The bytes that all lanes of a spool share.</summary>
/// <param name="maxBytes">Most bytes.</param>
internal sealed class SpoolBudget(long maxBytes)
{
    private long _bytes;
    private int _refused;

    /// <summary>Most bytes.</summary>
    public long MaxBytes => maxBytes;

    /// <summary>Bytes taken.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether an entry was refused for which there is still no room.</summary>
    public bool IsExhausted => Volatile.Read(ref _refused) is var refused and > 0 && Bytes + refused > maxBytes;

    /// <summary>Takes bytes if there is room for them.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= maxBytes)
        {
            return true;
        }

        Interlocked.Add(ref _bytes, -bytes);
        Volatile.Write(ref _refused, bytes);
        return false;
    }

    /// <summary>Takes bytes that are there already, room or not.</summary>
    public void Take(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}
