using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using Akka.Actor;
using Akka.Hosting;

namespace AdClick.Gateway.Metrics;

/// <summary>Asks the metrics gateway on behalf of the API: whoever asks the same at the same time shares one answer.</summary>
/// <param name="gateway">The metrics gateway.</param>
/// <param name="settings">Its patience.</param>
internal sealed class ClickAnswers(IRequiredActor<MetricsGatewayActor> gateway, MetricsGatewaySettings settings)
{
    // Only an actor system that is stopping does not answer; all else the actor itself ends before.
    private static readonly TimeSpan AskMargin = TimeSpan.FromSeconds(1);

    /// <summary>The answer to a question that was checked and aligned.</summary>
    public async Task<MetricsAnswers.Answer> AskAsync(ClickQuery question, CancellationToken cancellationToken)
    {
        try
        {
            return await gateway.ActorRef.Ask<MetricsAnswers.Answer>(
                new MetricsQuestions.HowManyClicks(question, cancellationToken), settings.TimeOut + AskMargin, cancellationToken);
        }
        catch (AskTimeoutException)
        {
            return new MetricsAnswers.TimedOut(settings.TimeOut);
        }
    }

    /// <summary>What an answer that is no report says to the caller.</summary>
    /// <exception cref="InvalidOperationException">Something is broken.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer any more.</exception>
    public static Problem ProblemOf(MetricsAnswers.Answer answer) => answer switch
    {
        MetricsAnswers.Unavailable unavailable => Problem.StoreUnavailable(unavailable.RetryAfter),
        MetricsAnswers.TimedOut timedOut => new Problem(
            ProblemKind.TimedOut,
            "The database took too long for this answer. Send the request again after the time in Retry-After, or ask for a narrower range.")
        {
            RetryAfter = timedOut.RetryAfter,
        },
        MetricsAnswers.UnfitRange unfit => ClickQuestion.TooLong(unfit.Why),
        MetricsAnswers.Failed failed => throw new InvalidOperationException("The metrics gateway could not answer a question about clicks.", failed.Cause),
        _ => throw new OperationCanceledException("Nobody waits for this answer any more."),
    };
}
