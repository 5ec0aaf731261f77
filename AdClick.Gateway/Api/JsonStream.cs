using System.Text.Json;

namespace AdClick.Gateway.Api;

/// <summary>Writes a large JSON answer straight to the connection, a piece at a time.</summary>
/// <param name="http">Request that is answered.</param>
internal sealed class JsonStream(HttpContext http) : IDisposable
{
    private const int FlushAtBytes = 32 * 1024;

    private long _sent;

    /// <summary>Writer of the answer.</summary>
    public Utf8JsonWriter Writer { get; } = Start(http);

    /// <summary>Sends what is written, once it is worth a system call.</summary>
    public ValueTask FlushIfLargeAsync() =>
        Writer.BytesPending + Writer.BytesCommitted - _sent < FlushAtBytes ? ValueTask.CompletedTask : FlushAsync();

    /// <summary>Sends the rest. An answer that fails halfway is not ended by this: it breaks off, and nobody takes it for a whole one.</summary>
    public ValueTask CompleteAsync() => FlushAsync();

    /// <inheritdoc/>
    public void Dispose() => Writer.Dispose();

    private static Utf8JsonWriter Start(HttpContext http)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        return new Utf8JsonWriter(http.Response.BodyWriter, ApiJson.WriterOptions);
    }

    private async ValueTask FlushAsync()
    {
        Writer.Flush();
        _sent = Writer.BytesCommitted;
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }
}
