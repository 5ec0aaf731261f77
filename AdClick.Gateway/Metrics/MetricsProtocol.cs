using AdClick.Actors.Metrics;
using Akka.Actor;

namespace AdClick.Gateway.Metrics;

/// <summary>What is asked of the metrics gateway. These messages stay within the process.</summary>
internal static class MetricsQuestions
{
    /// <summary>A question about clicks; answered by one of <see cref="MetricsAnswers"/>.</summary>
    /// <param name="Query">Checked and aligned, so that equal questions are equal.</param>
    /// <param name="CancellationToken">Cancelled when nobody waits for this answer any more.</param>
    public sealed record HowManyClicks(ClickQuery Query, CancellationToken CancellationToken) : INoSerializationVerificationNeeded;
}

/// <summary>What the metrics gateway answers.</summary>
internal static class MetricsAnswers
{
    /// <summary>Some answer.</summary>
    public abstract record Answer : INoSerializationVerificationNeeded;

    /// <summary>The clicks.</summary>
    /// <param name="Value">Shared with others who asked the same: never to be changed.</param>
    public sealed record Report(ClickReport Value) : Answer;

    /// <summary>The store can't answer now.</summary>
    /// <param name="RetryAfter">When to ask again.</param>
    public sealed record Unavailable(TimeSpan RetryAfter) : Answer;

    /// <summary>The store took too long.</summary>
    /// <param name="RetryAfter">When to ask again.</param>
    public sealed record TimedOut(TimeSpan RetryAfter) : Answer;

    /// <summary>The range does not fit the granularity, which only the store could tell: too many buckets, or minutes that are no longer kept.</summary>
    /// <param name="Why">For the person who asked.</param>
    public sealed record UnfitRange(string Why) : Answer;

    /// <summary>The asker left.</summary>
    public sealed record Cancelled : Answer;

    /// <summary>Something is broken.</summary>
    /// <param name="Cause">What.</param>
    public sealed record Failed(Exception Cause) : Answer;
}
