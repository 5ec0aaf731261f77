using System.ComponentModel;
using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake.Receipts;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Proofs;

/// <summary>Answer to <c>GET /v1/clicks/{click}</c>.</summary>
/// <param name="ImpressionId">Impression.</param>
/// <param name="IssuedAt">Its issue time.</param>
/// <param name="IsComplete">Whether nothing is missing.</param>
/// <param name="Missing">What is.</param>
/// <param name="AllowedLateness">Lateness of the judgement.</param>
/// <param name="LookedThrough">Where.</param>
/// <param name="Clicks">Clicks.</param>
internal sealed record ReceiptResponse(
    string ImpressionId,
    [property: Description("When the impression was issued, as its ID says.")] DateTime IssuedAt,
    [property: Description("Whether all that can hold clicks of the impression was looked through. If not, clicks may be missing, and outcomes may be others.")] bool IsComplete,
    [property: Description("Sentences about what could not be looked through.")] IReadOnlyList<string> Missing,
    [property: Description("The allowed lateness that outcomes were judged by, [d.]hh:mm:ss: the one in force now.")] string AllowedLateness,
    LookedThroughResponse LookedThrough,
    [property: Description("Every logged click of the impression, by ad and in the order of the log.")] IReadOnlyList<ReceiptClickResponse> Clicks)
{
    /// <summary>The answer.</summary>
    /// <param name="receipt">What was found.</param>
    /// <param name="clicks">The clicks of it that the caller may see.</param>
    public static ReceiptResponse Of(ClickReceipt receipt, IEnumerable<ReceiptClick> clicks) => new(
        receipt.Impression.ToString(),
        Time(receipt.Impression.IssuedAtMs),
        receipt.Missing.Count == 0 && receipt.KeptFromMs is null,
        receipt.KeptFromMs is { } keptFromMs
            ? [.. receipt.Missing, string.Create(CultureInfo.InvariantCulture, $"Raw clicks before {Time(keptFromMs):yyyy-MM-ddTHH:mm:ssZ} are no longer kept.")]
            : receipt.Missing,
        receipt.AllowedLateness.ToString("c", CultureInfo.InvariantCulture),
        new LookedThroughResponse(Time(receipt.FromMs), Time(receipt.ToMs), receipt.Partitions, receipt.Files, receipt.LogRecords),
        [.. clicks.Select(ReceiptClickResponse.Of)]);

    internal static DateTime Time(long unixMs) => DateTime.UnixEpoch.AddMilliseconds(Math.Min(unixMs, EndOfTimesMs));

    // Times of the log end in the year 2223; an impression ID can carry later ones.
    private const long EndOfTimesMs = 8_000_000_000_000;
}

/// <summary>Where clicks were looked for.</summary>
/// <param name="From">Start.</param>
/// <param name="To">End.</param>
/// <param name="Partitions">Partitions.</param>
/// <param name="Files">Files.</param>
/// <param name="LogRecords">Records.</param>
internal sealed record LookedThroughResponse(
    [property: Description("Start of the time of clicks that was looked through.")] DateTime From,
    [property: Description("Its end. A click after it is `expired`, whatever came before.")] DateTime To,
    [property: Description("Partitions of the click log: one for a click ID, at most seven with `adId`, otherwise all.")] IReadOnlyList<int> Partitions,
    [property: Description("Files of the data lake.")] int Files,
    [property: Description("Records of the click log that are not archived yet.")] long LogRecords);

/// <summary>A logged click.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="SubShard">Sub-shard.</param>
/// <param name="Outcome">Outcome.</param>
/// <param name="ClickTime">Click time.</param>
/// <param name="AppendTime">Append time.</param>
/// <param name="EffectiveTime">Effective time.</param>
/// <param name="PartitionClock">Clock before it.</param>
/// <param name="ExpiresAt">Expiry.</param>
/// <param name="Log">Log epoch.</param>
/// <param name="Partition">Partition.</param>
/// <param name="Offset">Offset.</param>
/// <param name="Nonce">Nonce.</param>
/// <param name="Placement">Placement.</param>
/// <param name="UserAgent">User agent.</param>
/// <param name="ClientNetwork">Network.</param>
/// <param name="ReferrerHost">Referrer.</param>
/// <param name="Language">Language.</param>
/// <param name="File">File.</param>
/// <param name="Sha256">Its hash.</param>
internal sealed record ReceiptClickResponse(
    string AdId,
    int SubShard,
    [property: OneOf("accepted", "duplicate", "repeat", "late", "bot", "expired", "inactive_ad")]
    [property: Description("By the counting rule, from the logged clicks of the impression; `late` before any settling.")]
    string Outcome,
    [property: Description("When the gateway took the request.")] DateTime ClickTime,
    [property: Description("When the log took the click.")] DateTime AppendTime,
    [property: Description("The earlier of both: names the minute that it is counted in.")] DateTime EffectiveTime,
    [property: Description("The greatest effective time before it in its partition.")] DateTime PartitionClock,
    DateTime ExpiresAt,
    [property: Description("Epoch of the click log.")] Guid Log,
    int Partition,
    long Offset,
    [property: Description("The click's random number, hexadecimal: a second copy of the click carries the same.")] string Nonce,
    string? Placement,
    string? UserAgent,
    [property: Description("The client's network, /24 or /48.")] string? ClientNetwork,
    string? ReferrerHost,
    string? Language,
    [property: Description("File of the data lake that it stands in; absent while it is not archived.")] string? File,
    [property: Description("SHA-256 of that file, which was checked for this answer.")] string? Sha256)
{
    /// <summary>The answer's click.</summary>
    public static ReceiptClickResponse Of(ReceiptClick found)
    {
        var (click, logged) = (found.Click, found.Click.Logged);
        return new ReceiptClickResponse(
            click.Ad.AdId, click.Ad.SubShard, found.Outcome.Name(),
            ReceiptResponse.Time(logged.ClickTimeMs), ReceiptResponse.Time(click.AppendTimeMs), ReceiptResponse.Time(logged.EffectiveTimeMs),
            ReceiptResponse.Time(logged.ClockMs), ReceiptResponse.Time(logged.ExpiresAtMs),
            click.LogEpoch, click.Partition, logged.Offset, logged.Nonce.ToString("x16", CultureInfo.InvariantCulture),
            click.Placement, click.UserAgent, click.ClientNetwork, click.ReferrerHost, click.Language,
            found.File, found.Sha256 is null ? null : Convert.ToHexStringLower(found.Sha256));
    }
}
