namespace AdClick.Gateway.Metrics;

/// <summary>How patient the metrics gateway is.</summary>
internal sealed record MetricsGatewaySettings
{
    /// <summary>
    /// How long an answer is given again to the same question. Default 200 ms: with a flush each second, a click is still in the answer within 2 s.
    /// </summary>
    public TimeSpan CacheFor { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the store may take for an answer, waiting for its turn included. Default 5 s.</summary>
    public TimeSpan TimeOut { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the store is left alone once half of at least <see cref="BreakAfterQuestions"/> questions within this time failed. Default 5 s.
    /// </summary>
    public TimeSpan Break { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>See <see cref="Break"/>. Default 5.</summary>
    public int BreakAfterQuestions { get; init; } = 5;

    /// <summary>Questions that the store works on at the same time; the others wait. Default: two for each processor.</summary>
    public int Concurrency { get; init; } = 2 * Environment.ProcessorCount;
}
