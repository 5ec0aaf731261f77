namespace AdClick.Actors.Clicks;

/// <summary>
/// What the click ID in a target URL says, so that a later conversion or question can be checked and routed without a look-up.
/// docs/token-format.md describes the signed form.
/// </summary>
/// <param name="Impression">The impression that was clicked.</param>
/// <param name="Ad">The ad key that counted the click.</param>
/// <param name="ClickTimeMs">When the gateway took the request, Unix milliseconds.</param>
/// <param name="KeyId">The key that signed it.</param>
public readonly record struct ClickId(ImpressionId Impression, AdKey Ad, long ClickTimeMs, string KeyId);
