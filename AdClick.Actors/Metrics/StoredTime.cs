namespace AdClick.Actors.Metrics;

/// <summary>How the stores divide time, which they keep in whole minutes since 1970-01-01T00:00Z.</summary>
internal static class StoredTime
{
    /// <summary>Minutes in a quarter of an hour.</summary>
    public const int MinutesPerQuarter = 15;

    /// <summary>Minutes in an hour.</summary>
    public const int MinutesPerHour = 60;

    /// <summary>Quarters of an hour in a UTC day.</summary>
    public const int QuartersPerDay = 96;

    /// <summary>Minutes in a UTC day.</summary>
    public const int MinutesPerDay = 24 * 60;

    /// <summary>Minutes that can be stored are below this; they end in the year 2225, as they do in a checkpoint's counters.</summary>
    public const int EndOfMinutes = 1 << 27;
}
