using System.Text.Json;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Metrics;

/// <summary>An answer about clicks as JSON, written straight from the report: 10,000 buckets are 1.5 MB of text.</summary>
/// <param name="query">The question.</param>
/// <param name="report">The answer.</param>
internal sealed class ClickReportJson(ClickQuery query, ClickReport report) : IResult
{
    private static readonly JsonEncodedText Start = JsonEncodedText.Encode("start");
    private static readonly JsonEncodedText State = JsonEncodedText.Encode("state");
    private static readonly JsonEncodedText Clicks = JsonEncodedText.Encode("clicks");
    private static readonly JsonEncodedText Duplicates = JsonEncodedText.Encode("duplicates");
    private static readonly JsonEncodedText Late = JsonEncodedText.Encode("late");
    private static readonly JsonEncodedText Invalid = JsonEncodedText.Encode("invalid");
    private static readonly JsonEncodedText InvalidByReason = JsonEncodedText.Encode("invalidByReason");

    private static readonly JsonEncodedText[] States =
        [JsonEncodedText.Encode("live"), JsonEncodedText.Encode("final"), JsonEncodedText.Encode("reconciled")];

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var stream = new JsonStream(httpContext);
        var writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString(query.AdId is null ? "advertiserId"u8 : "adId"u8, query.AdId ?? query.AdvertiserId);
        writer.WriteString("granularity"u8, ClickQuestion.Name(query.Granularity));
        writer.WriteString("timeZone"u8, query.TimeZone);
        writer.WriteString("from"u8, report.From.UtcDateTime);
        writer.WriteString("to"u8, report.To.UtcDateTime);
        writer.WriteString("completeThrough"u8, report.CompleteThrough.UtcDateTime);
        WriteTotal(writer, "total"u8, report.Total);
        if (report.Groups is { } groups)
        {
            writer.WriteStartArray("groups"u8);
            foreach (var group in groups)
            {
                writer.WriteStartObject();
                writer.WriteString("adId"u8, group.AdId);
                WriteTotal(writer, "total"u8, group.Total);
                if (!query.TotalsOnly)
                {
                    await WriteSeriesAsync(stream, group.Series);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            WriteTotal(writer, "others"u8, report.Others);
        }
        else
        {
            await WriteSeriesAsync(stream, report.Series);
        }

        writer.WriteEndObject();
        await stream.CompleteAsync();
    }

    private static async Task WriteSeriesAsync(JsonStream stream, IReadOnlyList<ClickBucket> series)
    {
        var writer = stream.Writer;
        writer.WriteStartArray("series"u8);
        foreach (var bucket in series)
        {
            WriteBucket(writer, bucket);
            await stream.FlushIfLargeAsync();
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes a bucket as it stands in a series.</summary>
    public static void WriteBucket(Utf8JsonWriter writer, ClickBucket bucket)
    {
        writer.WriteStartObject();
        writer.WriteString(Start, bucket.Start.UtcDateTime);
        writer.WriteString(State, States[(int)bucket.State]);
        WriteCounts(writer, bucket.Totals);
        writer.WriteEndObject();
    }

    private static void WriteTotal(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ClickTotals totals)
    {
        writer.WriteStartObject(name);
        WriteCounts(writer, totals);
        writer.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter writer, ClickTotals totals)
    {
        writer.WriteNumber(Clicks, totals.Clicks);
        writer.WriteNumber(Duplicates, totals.Duplicates);
        writer.WriteNumber(Late, totals.Late);
        writer.WriteNumber(Invalid, totals.Invalid);
        writer.WriteStartObject(InvalidByReason);
        WriteReason(writer, "bot"u8, totals.Bot);
        WriteReason(writer, "expired"u8, totals.Expired);
        WriteReason(writer, "inactive_ad"u8, totals.InactiveAd);
        writer.WriteEndObject();
    }

    private static void WriteReason(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long clicks)
    {
        if (clicks != 0)
        {
            writer.WriteNumber(name, clicks);
        }
    }
}
