using AdClick.Gateway.Api;
using AdClick.Gateway.Keys;
using Microsoft.AspNetCore.Http.Features;

namespace AdClick.Gateway.Live;

/// <summary>
/// A stream of clicks to one viewer (server-sent events), until the viewer leaves, its key is revoked or the node stops. The bytes are shared by all viewers of the
/// feed, so a viewer costs a write for each event and no more.
/// </summary>
/// <param name="subscription">Its place; given back at the end.</param>
/// <param name="feeds">Says when the node stops.</param>
/// <param name="keys">Says whether the key is still good.</param>
/// <param name="settings">How long it may be silent.</param>
/// <param name="time">Clock.</param>
internal sealed class LiveClicksStream(
    LiveSubscription subscription, LiveFeeds feeds, ApiKeyDirectory keys, LiveClicksSettings settings, TimeProvider time) : IResult
{
    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var place = subscription;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, feeds.Stopping);
        var response = httpContext.Response;
        response.ContentType = LiveClicksEvent.ContentType;
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would keep events until they are worth a packet
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            await SendAsync(response, LiveClicksEvent.Opening, ending.Token);
            await FollowAsync(httpContext, place.Feed, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The viewer has left, or will come back: the answer ends here as it should.
        }
    }

    private async Task FollowAsync(HttpContext http, LiveFeed feed, CancellationToken cancellationToken)
    {
        var caller = http.Caller();
        var version = feed.VersionOf(http.Request.Headers["Last-Event-ID"]);
        var serial = 0L;
        while (keys.IsGood(caller))
        {
            var state = feed.State;
            if (state.Serial != serial)
            {
                serial = state.Serial;
                if (state.Trouble is { } trouble)
                {
                    await SendAsync(http.Response, LiveClicksEvent.Write(trouble), cancellationToken);
                }
                else
                {
                    await SendAsync(http.Response, state.EventSince(version), cancellationToken);
                    version = state.Version;
                }
            }

            try
            {
                await state.Replaced.WaitAsync(settings.Heartbeat, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                await SendAsync(http.Response, LiveClicksEvent.Heartbeat, cancellationToken);
            }
        }
    }

    private static async ValueTask SendAsync(HttpResponse response, byte[] bytes, CancellationToken cancellationToken) =>
        await response.BodyWriter.WriteAsync(bytes, cancellationToken);
}
