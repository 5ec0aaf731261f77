namespace AdClick.Actors.Metrics;

/// <summary>What a part of a range is read from.</summary>
internal enum CountSource
{
    /// <summary>Minute counts and late clicks.</summary>
    Minutes,

    /// <summary>Rollups of quarters of an hour.</summary>
    Quarters,

    /// <summary>Rollups of UTC days.</summary>
    Days,
}

/// <summary>A part of a range, in minutes since 1970, whole units of its source.</summary>
internal readonly record struct Piece(CountSource Source, int Start, int End);

/// <summary>Cuts a range into the coarsest pieces that lie within one bucket each, neighbours of one kind put together.</summary>
internal static class QueryPlan
{
    /// <param name="boundaries">Bucket boundaries in minutes, ascending.</param>
    /// <param name="firstMinute">No clicks are stored before it; a whole UTC day.</param>
    /// <param name="endMinute">No clicks are stored at it or after it; a whole UTC day.</param>
    public static List<Piece> Of(ReadOnlySpan<long> boundaries, int firstMinute, int endMinute)
    {
        var pieces = new List<Piece>();
        for (var i = 0; i + 1 < boundaries.Length; i++)
        {
            var start = (int)Math.Clamp(boundaries[i], firstMinute, endMinute);
            var end = (int)Math.Clamp(boundaries[i + 1], firstMinute, endMinute);
            Cut(pieces, start, end);
        }

        return pieces;
    }

    private static void Cut(List<Piece> pieces, int start, int end)
    {
        var (days, daysEnd) = Inside(start, end, StoredTime.MinutesPerDay);
        CutQuarters(pieces, start, days);
        Add(pieces, CountSource.Days, days, daysEnd);
        CutQuarters(pieces, daysEnd, end);
    }

    private static void CutQuarters(List<Piece> pieces, int start, int end)
    {
        var (quarters, quartersEnd) = Inside(start, end, StoredTime.MinutesPerQuarter);
        Add(pieces, CountSource.Minutes, start, quarters);
        Add(pieces, CountSource.Quarters, quarters, quartersEnd);
        Add(pieces, CountSource.Minutes, quartersEnd, end);
    }

    // The whole units inside [start, end); where there is none, an empty range at its end.
    private static (int Start, int End) Inside(int start, int end, int unit)
    {
        var first = (start + unit - 1) / unit * unit;
        var last = end / unit * unit;
        return first < last ? (first, last) : (end, end);
    }

    /// <summary>Adds a piece, to the one before it where that is its like; nothing when it is empty.</summary>
    public static void Add(List<Piece> pieces, CountSource source, int start, int end)
    {
        if (start >= end)
        {
            return;
        }

        if (pieces.Count > 0 && pieces[^1] is var last && last.Source == source && last.End == start)
        {
            pieces[^1] = last with { End = end };
        }
        else
        {
            pieces.Add(new Piece(source, start, end));
        }
    }
}
