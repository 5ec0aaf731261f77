using AdClick.Actors.Clicks;

namespace AdClick.Actors.Lake;

/// <summary>A logged click with all that the log says of it, wherever it was read.</summary>
public sealed record RawClick
{
    /// <summary>The log that it stands in.</summary>
    public required Guid LogEpoch { get; init; }

    /// <summary>Partition.</summary>
    public required int Partition { get; init; }

    /// <summary>Its ad key.</summary>
    public required AdKey Ad { get; init; }

    /// <summary>When the log took it, Unix milliseconds.</summary>
    public required long AppendTimeMs { get; init; }

    /// <summary>What the counting rule reads of it.</summary>
    public required LoggedClick Logged { get; init; }

    /// <summary>Placement; null for none, as the texts below.</summary>
    public string? Placement { get; init; }

    /// <summary>User agent.</summary>
    public string? UserAgent { get; init; }

    /// <summary>Network of the client.</summary>
    public string? ClientNetwork { get; init; }

    /// <summary>Host of the page that the click came from.</summary>
    public string? ReferrerHost { get; init; }

    /// <summary>Preferred language.</summary>
    public string? Language { get; init; }
}
