namespace AdClick.Gateway.Api;

/// <summary>What the JSON API needs to know of the configuration.</summary>
internal sealed record ApiSettings
{
    /// <summary>A key of scope admin that is configured rather than stored; null for none. Never written anywhere.</summary>
    public required string? AdminKey { get; init; }

    /// <summary>Base of click URLs, without a slash at the end. A function, because with port 0 the address is known only after the start.</summary>
    public required Func<string> PublicUrl { get; init; }

    /// <summary>How long an issued impression may be clicked.</summary>
    public required TimeSpan ImpressionLifetime { get; init; }

    /// <summary>API calls per second that one key may make; short bursts of twice as many pass.</summary>
    public required int RequestsPerSecondPerKey { get; init; }
}
