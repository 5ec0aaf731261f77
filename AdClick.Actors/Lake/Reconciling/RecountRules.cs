using System.Globalization;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>Other rules than those that the clicks were counted by; what is null stays as it was.</summary>
/// <param name="AllowedLateness">Another allowed lateness.</param>
/// <param name="ImpressionLifetime">Another lifetime: an impression ends so long after it was issued, whatever its token says.</param>
/// <param name="Bots">Another list of bots: user agents are judged again.</param>
/// <param name="BotsName">What to call that list.</param>
public sealed record RecountRules(TimeSpan? AllowedLateness = null, TimeSpan? ImpressionLifetime = null, DeclaredBots? Bots = null, string? BotsName = null)
{
    /// <summary>The rules of the counting.</summary>
    public static RecountRules AsCounted { get; } = new();

    /// <summary>Whether anything is other.</summary>
    public bool AreOther => AllowedLateness is not null || ImpressionLifetime is not null || Bots is not null;

    /// <inheritdoc/>
    public override string ToString() => string.Join(
        ", ",
        new[]
        {
            AllowedLateness is { } lateness ? string.Create(CultureInfo.InvariantCulture, $"allowed lateness {lateness:c}") : null,
            ImpressionLifetime is { } lifetime ? string.Create(CultureInfo.InvariantCulture, $"impression lifetime {lifetime:c}") : null,
            Bots is null ? null : $"bots by {BotsName}",
        }.OfType<string>());
}
