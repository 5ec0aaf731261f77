using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Unicode;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Metrics;

/// <summary>
/// The series of an answer about clicks as CSV (RFC 4180), with the ad in front when grouped. No value can hold a comma, a quote or a formula:
/// they are IDs,
/// times, words and numbers. Up to when the numbers are complete stands in a header, as no line has room for it.
/// </summary>
/// <param name="query">The question.</param>
/// <param name="report">The answer.</param>
internal sealed class ClickReportCsv(ClickQuery query, ClickReport report) : IResult
{
    /// <summary>Media type.</summary>
    public const string MediaType = "text/csv";

    /// <summary>Response header with <c>completeThrough</c>.</summary>
    public const string CompleteThroughHeader = "AdClick-Complete-Through";

    // An ad ID, a time, a state, eight numbers of at most 20 characters, and the commas.
    private const int MaxLineBytes = 512;

    private const int FlushAtBytes = 32 * 1024;

    private static ReadOnlySpan<byte> Header => "start,state,clicks,duplicates,late,invalid,bot,expired,inactive_ad\r\n"u8;

    private static ReadOnlySpan<byte> GroupedHeader => "adId,start,state,clicks,duplicates,late,invalid,bot,expired,inactive_ad\r\n"u8;

    private static ReadOnlySpan<byte> TotalsHeader => "adId,clicks,duplicates,late,invalid,bot,expired,inactive_ad\r\n"u8;

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    private static readonly string[] States = ["live", "final", "reconciled"];

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = "text/csv; charset=utf-8; header=present";
        response.Headers[CompleteThroughHeader] = report.CompleteThrough.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
        var body = response.BodyWriter;
        body.Write(report.Groups is null ? Header : query.TotalsOnly ? TotalsHeader : GroupedHeader);
        if (report.Groups is { } groups)
        {
            foreach (var group in groups)
            {
                if (query.TotalsOnly)
                {
                    WriteLine(body, group.AdId, group.Total);
                }
                else
                {
                    await WriteSeriesAsync(body, group.AdId + ",", group.Series, httpContext.RequestAborted);
                }
            }
        }
        else
        {
            await WriteSeriesAsync(body, "", report.Series, httpContext.RequestAborted);
        }

        await body.FlushAsync(httpContext.RequestAborted);
    }

    private static async Task WriteSeriesAsync(PipeWriter body, string start, IReadOnlyList<ClickBucket> series, CancellationToken cancellationToken)
    {
        var unflushed = 0;
        foreach (var bucket in series)
        {
            unflushed += WriteLine(body, start, bucket);
            if (unflushed >= FlushAtBytes)
            {
                await body.FlushAsync(cancellationToken);
                unflushed = 0;
            }
        }
    }

    private static int WriteLine(PipeWriter body, string start, ClickBucket bucket) => WriteLine(
        body,
        string.Create(CultureInfo.InvariantCulture, $"{start}{bucket.Start.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'},{States[(int)bucket.State]}"),
        bucket.Totals);

    private static int WriteLine(PipeWriter body, string start, ClickTotals totals)
    {
        if (!Utf8.TryWrite(
            body.GetSpan(MaxLineBytes),
            CultureInfo.InvariantCulture,
            $"{start},{totals.Clicks},{totals.Duplicates},{totals.Late},{totals.Invalid},{totals.Bot},{totals.Expired},{totals.InactiveAd}\r\n",
            out var bytes))
        {
            throw new InvalidOperationException($"A line of CSV is over {MaxLineBytes} bytes.");
        }

        body.Advance(bytes);
        return bytes;
    }
}
