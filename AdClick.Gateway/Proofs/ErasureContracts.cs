using System.ComponentModel;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Proofs;

/// <summary>Body of <c>POST /v1/advertisers/{advertiserId}/erasures</c>.</summary>
internal sealed record RequestErasureRequest
{
    /// <summary>The advertiser, once more.</summary>
    [Needed, Id, Description("The advertiser's ID once more: what is erased does not come back.")]
    public string? Confirm { get; init; }
}

/// <summary>A request to delete what is kept of an advertiser's clicks.</summary>
/// <param name="Number">Number.</param>
/// <param name="AdvertiserId">Advertiser.</param>
/// <param name="RequestedBy">Who asked.</param>
/// <param name="RequestedAt">When.</param>
/// <param name="ClicksBefore">What is erased.</param>
/// <param name="State">Whether it is done.</param>
/// <param name="EndedAt">When it was done.</param>
/// <param name="FilesRewritten">Files.</param>
/// <param name="FilesRemoved">Files.</param>
/// <param name="Clicks">Clicks.</param>
/// <param name="Counts">Rows.</param>
/// <param name="NotReached">What stays.</param>
internal sealed record ErasureResponse(
    int Number,
    string AdvertiserId,
    [property: Description("Name of the API key that asked.")] string RequestedBy,
    DateTime RequestedAt,
    [property: Description("Clicks from before this time are erased: the end of the quarter of an hour in which it was requested.")] DateTime ClicksBefore,
    [property: OneOf("waiting", "done")]
    [property: Description("`waiting` until all these clicks are counted, final, checkpointed and archived, and while files are being written anew.")]
    string State,
    DateTime? EndedAt,
    [property: Description("Files of the data lake that were written anew without the advertiser's clicks.")] long FilesRewritten,
    [property: Description("Files of the data lake that held no others.")] long FilesRemoved,
    [property: Description("Clicks that were taken out of the data lake.")] long Clicks,
    [property: Description("Rows of counts, rollups and late clicks that were deleted.")] long Counts,
    [property: Description("What an erasure does not reach, and how long it stays.")] IReadOnlyList<string> NotReached)
{
    private static readonly string[] OutOfReach =
    [
        "The click log keeps raw clicks until its own retention ends: AdClick:ClickLogRetention, or that of the Kafka topic.",
        "Records that can't be read are kept as they are, in the data lake and in the database; nobody knows whose they are.",
        "Backups, and copies that others made of the data lake, are not reached.",
        "The ads themselves and the advertiser's API keys stay: archive the former with PUT /v1/ads/{adId}, delete the latter with DELETE /v1/keys/{name}.",
    ];

    /// <summary>The answer.</summary>
    public static ErasureResponse Of(Erasure erasure) => new(
        erasure.Number, erasure.AdvertiserId, erasure.RequestedBy, ReceiptResponse.Time(erasure.RequestedAtMs), ReceiptResponse.Time(erasure.BeforeMs),
        erasure.EndedAtMs is null ? "waiting" : "done", erasure.EndedAtMs is { } endedAtMs ? ReceiptResponse.Time(endedAtMs) : null,
        erasure.FilesRewritten, erasure.FilesRemoved, erasure.Clicks, erasure.Counts, OutOfReach);
}

/// <summary>Answer to <c>GET /v1/advertisers/{advertiserId}/erasures</c>.</summary>
/// <param name="Erasures">The oldest first.</param>
internal sealed record ErasureListResponse([property: Description("The oldest first.")] IReadOnlyList<ErasureResponse> Erasures);
