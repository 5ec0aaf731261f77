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

    /// <summary>The value of a row.</summary>
    public T this[int row] => row < Count ? _values[row] : throw new ArgumentOutOfRangeException(nameof(row));

    /// <summary>Takes all values of a column at once.</summary>
    public void Take(T[] values) => (_values, Count) = (values, values.Length);

    /// <summary>Adds one.</summary>
    public void Add(T value)
    {
        if (Count == _values.Length)
        {
            Array.Resize(ref _values, Math.Max(16, Count * 2));
        }

        _values[Count++] = value;
    }
}
