using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Live;

/// <summary>Data of an event <c>clicks</c>, as it is described; <see cref="Write"/> writes it.</summary>
/// <param name="From">Start of the first bucket.</param>
/// <param name="To">End of the last bucket.</param>
/// <param name="CompleteThrough">How far the numbers are complete.</param>
/// <param name="Reset">Whether this is everything.</param>
/// <param name="Series">Buckets.</param>
internal sealed record LiveClicksEvent(
    [property: Description("Start of the first bucket that is followed, in UTC.")] DateTime From,
    [property: Description("End of the current bucket, in UTC.")] DateTime To,
    [property: Description("The time before which no gateway still holds a click that the store lacks.")] DateTime CompleteThrough,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [property: Description("true: `series` is everything from `from` on, and replaces what the reader has of it; absent: it is what has changed.")]
    bool Reset,
    [property: Description("Buckets with their present, absolute counts, empty ones included, in ascending order.")] IReadOnlyList<ClickBucketResponse> Series)
{
    /// <summary>Media type of the stream.</summary>
    public const string ContentType = "text/event-stream";

    /// <summary>What keeps the connection open when there is nothing to say.</summary>
    public static readonly byte[] Heartbeat = ":\n\n"u8.ToArray();

    /// <summary>The first bytes: how long a reader waits before it connects again, in ms.</summary>
    public static readonly byte[] Opening = "retry: 1000\n\n"u8.ToArray();

    /// <summary>The event of a state for those that have everything up to a version.</summary>
    public static byte[] Write(LiveState state, string feed, long since)
    {
        var output = new ArrayBufferWriter<byte>(512);
        Text(output, string.Create(CultureInfo.InvariantCulture, $"event: clicks\nid: {feed}-{state.Version}\ndata: "));
        using (var writer = new Utf8JsonWriter(output, ApiJson.WriterOptions)) // without line breaks, as an event's data needs it
        {
            writer.WriteStartObject();
            writer.WriteString("from"u8, state.From.UtcDateTime);
            writer.WriteString("to"u8, state.To.UtcDateTime);
            writer.WriteString("completeThrough"u8, state.CompleteThrough.UtcDateTime);
            if (since == 0)
            {
                writer.WriteBoolean("reset"u8, true);
            }

            writer.WriteStartArray("series"u8);
            foreach (var (bucket, version) in state.Buckets)
            {
                if (version > since)
                {
                    ClickReportJson.WriteBucket(writer, bucket);
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        Text(output, "\n\n");
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The event that tells why the numbers stand still.</summary>
    public static byte[] Write(Problem trouble)
    {
        var body = new ProblemBody(trouble.Kind.Type, trouble.Kind.Title, trouble.Kind.Status, trouble.Detail, trouble.Errors, null);
        return Encoding.UTF8.GetBytes($"event: problem\ndata: {JsonSerializer.Serialize(body, ApiJson.Context.ProblemBody)}\n\n");
    }

    private static void Text(ArrayBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);
}
