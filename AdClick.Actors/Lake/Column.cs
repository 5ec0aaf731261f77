namespace AdClick.Actors.Lake;

/// <summary>A growing column, in the forms that the Parquet writer takes.</summary>
internal sealed class Column<T>
{
    private T[] _values = new T[1024];

    /// <summary>Number of values.</summary>
    public int Count { get; private set; }

    /// <summary>The values of a number or time.</summary>
    public ReadOnlyMemory<T> Values => _values.AsMemory(0, Count);

    /// <summary>The values of a text.</summary>
    public ArraySegment<T> List => new(_values, 0, Count);

    /// <summary>Adds one.</summary>
    public void Add(T value)
    {
        if (Count == _values.Length)
        {
            Array.Resize(ref _values, Count * 2);
        }

        _values[Count++] = value;
    }
}
