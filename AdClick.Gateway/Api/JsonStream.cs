using System.Text.Json;

namespace AdClick.Gateway.Api;

/// <summary>Writes a large JSON answer straight to the connection, a piece at a time.</summary>
/// <param name="http">Request that is answered.</param>
internal sealed class JsonStream(HttpContext http) : IAsyncDisposable
{
    private const int FlushAtBytes = 32 * 1024;

    /// <summary>Writer of the answer.</summary>
    public Utf8JsonWriter Writer { get; } = Start(http);

    /// <summary>Sends what is written, once it is worth a system call.</summary>
    public ValueTask FlushIfLargeAsync() => Writer.BytesPending + (http.Response.BodyWriter.CanGetUnflushedBytes ? http.Response.BodyWriter.UnflushedBytes : 0) < FlushAtBytes ? ValueTask.CompletedTask : FlushAsync();

    /// <summary>Sends the rest.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync();
        await Writer.DisposeAsync();
    }

    private static Utf8JsonWriter Start(HttpContext http)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        return new Utf8JsonWriter(http.Response.BodyWriter, ApiJson.WriterOptions);
    }

    private async ValueTask FlushAsync()
    {
        Writer.Flush();
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }
}
