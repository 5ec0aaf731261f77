using System.Diagnostics;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Api;

/// <summary>
/// Turns what would be an empty answer or a broken connection into <c>application/problem+json</c>, and marks the API's answers as not to be
/// kept.
/// </summary>
internal sealed class ErrorAnswers(RequestDelegate next, ILogger<ErrorAnswers> logger)
{
    // nginx's number for it; nobody reads it but logs and metrics.
    private const int ClientClosedRequest = 499;

    /// <summary>Handles a request.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        if (http.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
        {
            http.Response.Headers.CacheControl = "no-store";
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        }

        try
        {
            await next(http);
            if (!http.Response.HasStarted && http.Response is { StatusCode: >= 400, ContentLength: null, ContentType: null })
            {
                await (OfStatus(http)?.ExecuteAsync(http) ?? Task.CompletedTask);
            }
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whatever went wrong, nobody waits for the answer.
            http.Response.StatusCode = http.Response.HasStarted ? http.Response.StatusCode : ClientClosedRequest;
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            await Explain(http, e).ExecuteAsync(http);
        }
    }

    private static Problem? OfStatus(HttpContext http)
    {
        var request = http.Request;
        return ProblemKind.OfStatus(http.Response.StatusCode) is not { } kind ? null : new Problem(kind, kind.Status switch
        {
            404 => $"There is nothing at {request.Path}. /openapi/v1.json lists the paths.",
            405 => $"{request.Method} is not allowed at {request.Path}; the header Allow says what is. /openapi/v1.json lists the paths.",
            _ => $"{kind.Title}.",
        });
    }

    private Problem Explain(HttpContext http, Exception e)
    {
        switch (e)
        {
            case MetricsStoreUnavailableException:
                // Logged where it happens, once an outage.
                return Problem.StoreUnavailable();
            case BadHttpRequestException { StatusCode: 413 }:
                return new Problem(ProblemKind.BodyTooLarge, $"The body is over {JsonBody.MaxBytes:N0} bytes. Send less at once.");
            case BadHttpRequestException bad:
                return new Problem(ProblemKind.MalformedBody, $"The request could not be read: {bad.Message}");
            default:
                var traceId = Activity.Current?.Id ?? http.TraceIdentifier;
                logger.LogError(e, "{Method} {Path} failed; its answer carries trace ID {TraceId}.", http.Request.Method, http.Request.Path, traceId);
                return new Problem(
                    ProblemKind.InternalError,
                    "AdClick failed on this request, which is a fault of its own. Report it with the traceId, which finds the log line.")
                {
                    TraceId = traceId,
                };
        }
    }
}
