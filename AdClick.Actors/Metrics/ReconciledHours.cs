namespace AdClick.Actors.Metrics;

/// <summary>The UTC hours of a range whose answers are re-counted ones.</summary>
/// <param name="hours">The hours, ascending.</param>
internal sealed class ReconciledHours(List<int> hours)
{
    /// <summary>None.</summary>
    public static ReconciledHours None { get; } = new([]);

    /// <summary>The hours that a range touches.</summary>
    public static (int First, int End) HoursOf(AlignedRange range)
    {
        var minutes = range.BoundaryMinutes;
        const long EndOfHours = (StoredTime.EndOfMinutes / StoredTime.MinutesPerHour) + 1;
        return minutes.Length == 0
            ? (0, 0)
            : ((int)Math.Clamp(minutes[0] / StoredTime.MinutesPerHour, 0, EndOfHours), (int)Math.Clamp((minutes[^1] / StoredTime.MinutesPerHour) + 1, 0, EndOfHours));
    }

    /// <summary>Whether all hours that a bucket touches are among them.</summary>
    public bool Cover(DateTimeOffset start, DateTimeOffset end)
    {
        if (hours.Count == 0)
        {
            return false;
        }

        var (first, last) = (HourOf(start.ToUnixTimeSeconds()), HourOf(end.ToUnixTimeSeconds() - 1));
        var found = first is >= 0 and <= int.MaxValue ? hours.BinarySearch((int)first) : -1;

        // Ascending and each once: as many places on, there must be the last one.
        return found >= 0 && found + (last - first) < hours.Count && hours[(int)(found + last - first)] == last;
    }

    private static long HourOf(long unixSeconds) => (long)Math.Floor(unixSeconds / 3600.0);
}
