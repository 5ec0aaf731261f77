using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AdClick.Benchmarks.Load;

/// <summary>What a load run has found.</summary>
internal sealed record LoadReport
{
    /// <summary>Clicks per second that were asked for; 0: as fast as possible.</summary>
    public required double Rate { get; init; }

    /// <summary>Ads.</summary>
    public required int Ads { get; init; }

    /// <summary>Most sub-shards that an ad was split into meanwhile.</summary>
    public required int SubShards { get; init; }

    /// <summary>Connections.</summary>
    public required int Connections { get; init; }

    /// <summary>Seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Time in which clicks were sent, without the time in which the gateway was down.</summary>
    public required double ActiveSeconds { get; init; }

    /// <summary>Clicks that got their redirect.</summary>
    public required long Redirected { get; init; }

    /// <summary>Those per second.</summary>
    public required double RedirectsPerSecond { get; init; }

    /// <summary>Clicks whose answer was lost.</summary>
    public required long Unanswered { get; init; }

    /// <summary>Clicks that got another answer, by status.</summary>
    public required IReadOnlyDictionary<int, long> Refusals { get; init; }

    /// <summary>From when a click was due to its redirect.</summary>
    public required Percentiles Latency { get; init; }

    /// <summary>From when a click was due to when it was sent.</summary>
    public required Percentiles SendLag { get; init; }

    /// <summary>From when a click was sent to its redirect.</summary>
    public required Percentiles Answer { get; init; }

    /// <summary>
    /// The longest that <see cref="Answer"/> may be, in milliseconds: on Kafka, the delivery time-out and 100 ms, whatever fails. Null: nothing is promised.
    /// </summary>
    public double? LongestRedirectAllowed { get; init; }

    /// <summary>Whether every redirect was sent within <see cref="LongestRedirectAllowed"/>.</summary>
    public bool IsInTime => LongestRedirectAllowed is not { } allowed || Answer.Max <= allowed;

    /// <summary>From a redirect to when the click is seen in the metrics.</summary>
    public required Percentiles Freshness { get; init; }

    /// <summary>Probes whose click was not seen.</summary>
    public required int ProbesUnseen { get; init; }

    /// <summary>Seconds from each restart until the gateway took requests again, and until it was ready.</summary>
    public required IReadOnlyList<Restarted> Restarts { get; init; }

    /// <summary>The generator's processor time for each click, in microseconds.</summary>
    public required double GeneratorMicrosecondsPerClick { get; init; }

    /// <summary>The gateway's processor time for each click, in microseconds; null for one that was not started by the run.</summary>
    public double? GatewayMicrosecondsPerClick { get; init; }

    /// <summary>The gateway's memory at the end of the load, in bytes; null for one that was not started by the run.</summary>
    public long? GatewayWorkingSet { get; init; }

    /// <summary>The comparison of counts.</summary>
    public required CountResult Counts { get; init; }

    /// <summary>Whether the run is a success: every count exact, no click refused by a gateway that was never killed, and no redirect too late.</summary>
    public bool IsGood => Counts.IsExact && IsInTime && (Refusals.Count == 0 || Restarts.Count > 0);

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Options);

    /// <summary>For people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        var rate = Rate == 0 ? "as fast as possible" : string.Create(CultureInfo.InvariantCulture, $"{Rate:N0} clicks/s");
        Line($"load        {rate} for {ActiveSeconds:F1} s, {Ads:N0} ads, {Connections} connections, seed {Seed}");
        Line($"redirects   {Redirected:N0} ({RedirectsPerSecond:N0}/s), {Unanswered:N0} unanswered, refused: {Refused()}");
        if (SubShards > 1)
        {
            Line($"hot ads     split into up to {SubShards} sub-shards");
        }

        Line($"latency     {Latency}  (from when a click was due)");
        Line($"  send lag  {SendLag}  (the generator's part of it)");
        Line($"  answer    {Answer}  (from when it was sent)");
        if (LongestRedirectAllowed is { } allowed)
        {
            Line($"longest     {Answer.Max:F0} ms of {allowed:F0} ms that a redirect may take: {(IsInTime ? "kept" : "MISSED")}");
        }

        Line($"freshness   {Freshness}  ({Freshness.Count} probes, {ProbesUnseen} unseen)");
        if (Restarts.Count > 0)
        {
            Line($"kills       {Restarts.Count}; live again after {Span(Restarts.Select(restart => restart.LiveSeconds))}, ready after {Span(Restarts.Select(restart => restart.ReadySeconds))}");
        }

        Line($"processor   generator {GeneratorMicrosecondsPerClick:F1} us/click, gateway {GatewayMicrosecondsPerClick?.ToString("F1", CultureInfo.InvariantCulture) ?? "?"} us/click");
        Line($"memory      gateway {GatewayWorkingSet / 1048576.0:F0} MiB working set");
        var (expected, counted) = (Counts.Expected, Counts.Counted);
        Line($"counts      accepted {counted.Accepted:N0} of {Range(expected.AcceptedMin, expected.AcceptedMax)}, duplicates {counted.Duplicates:N0}, accepted and duplicates {counted.Accepted + counted.Duplicates:N0} of {Range(expected.ValidMin, expected.ValidMax)}, bots {counted.Bots:N0} of {Range(expected.BotsMin, expected.BotsMax)}, others {counted.Others:N0}");
        Line($"            complete and read {Counts.Wait.TotalSeconds:F1} s after the last click");
        foreach (var fault in Counts.Faults)
        {
            Line($"  WRONG     {fault}");
        }

        Line($"{(IsGood ? "GOOD: every ad's counts are exact." : $"BAD: {Counts.WrongAds} ads with wrong counts; complete: {Counts.IsComplete}; refused: {Refused()}; redirects in time: {IsInTime}.")}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(FormattableString.Invariant(line));
    }

    private static string Range(long min, long max) =>
        min == max ? min.ToString("N0", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{min:N0} to {max:N0}");

    private static string Span(IEnumerable<double> seconds)
    {
        var sorted = seconds.Order().ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[0]:F1} to {sorted[^1]:F1} s");
    }

    private string Refused() => Refusals.Count == 0 ? "none" : string.Join(", ", Refusals.Select(refusal => $"{refusal.Value} x {refusal.Key}"));
}

/// <summary>How long a restart took.</summary>
/// <param name="LiveSeconds">From the start of the process until it took requests.</param>
/// <param name="ReadySeconds">Until it was ready; as long as the next kill if that came before.</param>
internal sealed record Restarted(double LiveSeconds, double ReadySeconds);

/// <summary>Some percentiles, in milliseconds.</summary>
internal sealed record Percentiles(long Count, double P50, double P90, double P99, double P999, double Max)
{
    /// <summary>Those of a histogram.</summary>
    public static Percentiles Of(LatencyHistogram histogram) => new(
        histogram.Count,
        histogram.Percentile(0.5).TotalMilliseconds,
        histogram.Percentile(0.9).TotalMilliseconds,
        histogram.Percentile(0.99).TotalMilliseconds,
        histogram.Percentile(0.999).TotalMilliseconds,
        histogram.Max.TotalMilliseconds);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"p50 {P50:F2}  p90 {P90:F2}  p99 {P99:F2}  p99.9 {P999:F2}  max {Max:F2} ms");
}
