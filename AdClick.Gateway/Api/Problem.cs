using System.Globalization;
using System.Text.Json;

namespace AdClick.Gateway.Api;

/// <summary>An error answer: <c>application/problem+json</c>.</summary>
/// <param name="Kind">What a program switches on.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
internal sealed record Problem(ProblemKind Kind, string Detail) : IResult
{
    /// <summary>Media type of the answer.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>What is wrong with each field, by its name in body, path or query.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>When to try again; null leaves the header out.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Finds the error in the log.</summary>
    public string? TraceId { get; init; }

    /// <summary>The database can't answer now.</summary>
    public static Problem StoreUnavailable(TimeSpan? retryAfter = null) =>
        new(
            ProblemKind.StoreUnavailable,
            "The database does not answer at the moment. Send the request again after the time in Retry-After.")
        {
            RetryAfter = retryAfter ?? TimeSpan.FromSeconds(1),
        };

    /// <summary>There is no such ad.</summary>
    public static Problem UnknownAd(string adId) =>
        new(ProblemKind.UnknownAd, $"There is no ad \"{adId}\". Create it with PUT /v1/ads/{adId}, or check the ID.");

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Kind.Status;
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } wait)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var body = new ProblemBody(Kind.Type, Kind.Title, Kind.Status, Detail, Errors, TraceId);
        response.ContentType = ContentType;
        return JsonSerializer.SerializeAsync(response.Body, body, ApiJson.Context.ProblemBody, httpContext.RequestAborted);
    }
}

/// <summary>An error as it is written (RFC 9457).</summary>
/// <param name="Type">What a program switches on.</param>
/// <param name="Title">The kind in a few words.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">What happened and what to do.</param>
/// <param name="Errors">What is wrong with each field.</param>
/// <param name="TraceId">Finds the error in the log.</param>
internal sealed record ProblemBody(
    string Type, string Title, int Status, string Detail, IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors, string? TraceId);
