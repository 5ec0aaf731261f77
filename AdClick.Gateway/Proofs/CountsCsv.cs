using System.Globalization;
using System.Text;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;
using Microsoft.Net.Http.Headers;

namespace AdClick.Gateway.Proofs;

/// <summary>A line of somebody's counts.</summary>
/// <param name="Time">A time within the bucket that it belongs to.</param>
/// <param name="Clicks">Clicks.</param>
internal readonly record struct CountLine(DateTimeOffset Time, long Clicks);

/// <summary>
/// Reads counts as CSV: a line is a time and a number of clicks. A header may name the columns <c>time</c> (or <c>start</c>) and <c>clicks</c> among others, in any
/// order, so that what AdClick gives as CSV can be sent back to it.
/// </summary>
internal static class CountsCsv
{
    /// <summary>Most lines.</summary>
    public const int MaxLines = 50_000;

    /// <summary>For whoever sends it.</summary>
    public const string Description =
        "A line for each count: a time and a number of clicks, separated by comma, semicolon or tab. Times as in RFC 3339, or without offset in the asked `timeZone`: "
        + "`2026-11-24T01:02:00Z`, `2026-11-24 01:02`, `2026-11-24`. Several lines of one bucket are added up. A header may name the columns `time` and `clicks`. "
        + "At most 50,000 lines and 1 MiB.";

    private const int MaxErrors = 20;
    private const long MaxClicks = 1_000_000_000_000;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly string[] LocalFormats = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss"];

    /// <summary>Reads the body of a request: either the lines or the problem is null.</summary>
    /// <exception cref="BadHttpRequestException">The body is far too large or ended early; the middleware answers.</exception>
    public static async Task<(IReadOnlyList<CountLine>? Lines, Problem? Problem)> ReadAsync(HttpContext http, TimeZoneInfo zone)
    {
        var request = http.Request;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return (null, new Problem(
                ProblemKind.UnsupportedMediaType, $"The body was sent as \"{request.ContentType}\". Send it with Content-Type: text/csv, in UTF-8."));
        }

        if (request.ContentLength > JsonBody.MaxBytes)
        {
            return (null, JsonBody.TooLarge);
        }

        var read = await request.BodyReader.ReadAtLeastAsync(JsonBody.MaxBytes + 1, http.RequestAborted);
        try
        {
            if (read.Buffer.Length > JsonBody.MaxBytes)
            {
                return (null, JsonBody.TooLarge);
            }

            var errors = new FieldErrors();
            var lines = Parse(Utf8.GetString(read.Buffer).TrimStart('\uFEFF'), zone, errors);
            return errors.Any ? (null, errors.ToProblem()) : (lines, null);
        }
        catch (DecoderFallbackException)
        {
            return (null, FieldErrors.One("body", "must be text in UTF-8"));
        }
        finally
        {
            request.BodyReader.AdvanceTo(read.Buffer.End);
        }
    }

    /// <summary>Reads the lines; what is wrong with one is noted under its number.</summary>
    public static List<CountLine> Parse(string csv, TimeZoneInfo zone, FieldErrors errors)
    {
        var counts = new List<CountLine>();
        var (timeColumn, clicksColumn, columns) = (0, 1, 2);
        var (number, faults, isFirst) = (0, 0, true);
        foreach (var text in csv.AsSpan().EnumerateLines())
        {
            number++;
            if (text.IsWhiteSpace())
            {
                continue;
            }

            var fields = Fields(text);
            if (isFirst && fields.Any(field => field is "clicks" or "time" or "start"))
            {
                (timeColumn, clicksColumn, columns) = (fields.FindIndex(field => field is "time" or "start"), fields.IndexOf("clicks"), fields.Count);
                if (timeColumn < 0 || clicksColumn < 0)
                {
                    errors.Add($"line {number}", "is a header that must name the columns time and clicks");
                    return counts;
                }

                isFirst = false;
                continue;
            }

            isFirst = false;
            if (counts.Count == MaxLines)
            {
                errors.Add($"line {number}", $"is one too many: at most {MaxLines} can be compared at once");
                return counts;
            }

            if (Read(fields, timeColumn, clicksColumn, columns, zone, out var count) is not { } fault)
            {
                counts.Add(count);
            }
            else
            {
                errors.Add($"line {number}", fault);
                if (++faults == MaxErrors)
                {
                    errors.Add("body", $"has {MaxErrors} wrong lines; what follows was not read");
                    return counts;
                }
            }
        }

        if (counts.Count == 0 && !errors.Any)
        {
            errors.Add("body", "must hold at least one line with a time and a number of clicks");
        }

        return counts;
    }

    private static string? Read(List<string> fields, int timeColumn, int clicksColumn, int columns, TimeZoneInfo zone, out CountLine count)
    {
        count = default;
        if (fields.Count != columns)
        {
            return $"must have {columns} columns, not {fields.Count}";
        }

        if (!TryReadTime(fields[timeColumn], zone, out var time, out var fault))
        {
            return fault;
        }

        if (!long.TryParse(fields[clicksColumn], NumberStyles.None, CultureInfo.InvariantCulture, out var clicks) || clicks > MaxClicks)
        {
            return $"must have a whole number of clicks from 0 to {MaxClicks}, not '{Short(fields[clicksColumn])}'";
        }

        count = new CountLine(time, clicks);
        return null;
    }

    private static bool TryReadTime(string text, TimeZoneInfo zone, out DateTimeOffset time, out string? fault)
    {
        fault = null;
        if (ClickQuestion.TryReadTime(text, out time))
        {
            return true;
        }

        if (!DateTime.TryParseExact(text, LocalFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            fault = $"must have a time such as 2026-11-24T01:02:00Z, 2026-11-24 01:02 or 2026-11-24, not '{Short(text)}'";
            return false;
        }

        if (zone.IsInvalidTime(local) || zone.IsAmbiguousTime(local))
        {
            fault = $"has the time '{text}', which {(zone.IsInvalidTime(local) ? "does not exist" : "is there twice")} in {zone.Id}: write it with Z or an offset";
            return false;
        }

        time = new DateTimeOffset(local, zone.GetUtcOffset(local));
        return true;
    }

    private static List<string> Fields(ReadOnlySpan<char> line)
    {
        var fields = new List<string>();
        foreach (var range in line.SplitAny(',', ';', '\t'))
        {
            fields.Add(line[range].Trim().Trim('"').Trim().ToString());
        }

        return fields;
    }

    private static string Short(string text) => text.Length <= 40 ? text : $"{text[..40]}…";
}
