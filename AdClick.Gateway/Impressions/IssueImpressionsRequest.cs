using System.ComponentModel;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Impressions;

/// <summary>Body of <c>POST /v1/impressions</c>.</summary>
internal sealed record IssueImpressionsRequest
{
    /// <summary>Most impressions of one call.</summary>
    public const int MaxCount = 10_000;

    /// <summary>The ad that is shown.</summary>
    [Needed, Id, Description("The ad that is shown.")]
    public string? AdId { get; init; }

    /// <summary>Where it is shown.</summary>
    [Id, Description("Where it is shown, if that is to be known; {placement} in the target URL.")]
    public string? Placement { get; init; }

    /// <summary>How many.</summary>
    [Between(1, MaxCount), DefaultValue(1), Description("How many impressions: one for each showing to one person.")]
    public int? Count { get; init; }
}
