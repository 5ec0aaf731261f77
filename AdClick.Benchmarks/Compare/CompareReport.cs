using System.Globalization;
using System.Text;

namespace AdClick.Benchmarks.Compare;

/// <summary>What a comparison has found.</summary>
internal sealed record CompareReport(CompareSettings Settings, IReadOnlyList<Compared> Contenders)
{
    /// <summary>Whether no contender that counts has counted wrongly.</summary>
    public bool IsGood => !Contenders.Any(contender => contender.Turns.Any(turn => turn.Counts.StartsWith("WRONG", StringComparison.Ordinal)));

    /// <summary>Tables in Markdown.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line($"Medians of {Settings.Rounds} turns, each contender started anew for each; {Settings.Connections} connections, {Settings.Ads:N0} ads (Zipf 1.0), 10% duplicates, 1% bots, {Settings.Duration.TotalSeconds:N0} s at the highest rate and as long at {Settings.Rate:N0}/s.");
        Line($"");
        Line($"| | redirects/s at most | processor, us/click | at {Settings.Rate:N0}/s: reached | p50 | p99 | p99.9 | bytes/click | counts |");
        Line($"| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var contender in Contenders)
        {
            Line($"| {contender.Name} | {contender.Median(turn => turn.Rate):N0} | {contender.Median(turn => turn.Microseconds):F1} | {contender.Median(turn => turn.SteadyRate):N0} | {Milliseconds(contender.Median(turn => turn.Answer.P50))} | {Milliseconds(contender.Median(turn => turn.Answer.P99))} | {Milliseconds(contender.Median(turn => turn.Answer.P999))} | {contender.Median(turn => turn.Bytes):N0} | {string.Join("; ", contender.Turns.Select(turn => turn.Counts).Distinct())} |");
        }

        Line($"");
        foreach (var contender in Contenders)
        {
            Line($"- **{contender.Name}**: {contender.What}. Turns: {string.Join(", ", contender.Turns.Select(turn => turn.Rate.ToString("N0", CultureInfo.InvariantCulture)))}/s.");
        }

        if (Contenders.FirstOrDefault(contender => contender.Name == Compare.Contenders.Embedded) is { } ours && Contenders.Count > 1)
        {
            Line($"");
            Line($"AdClick's highest rate, as a share of theirs in the same round (median, least to greatest):");
            Line($"");
            Line($"| | ratio |");
            Line($"| --- | --- |");
            foreach (var other in Contenders.Where(contender => contender != ours))
            {
                var ratios = ours.Turns.Zip(other.Turns, (we, they) => we.Rate / they.Rate).Order().ToArray();
                Line($"| {other.Name} | {(ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2:F2} ({ratios[0]:F2} to {ratios[^1]:F2}) |");
            }
        }

        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(FormattableString.Invariant(line));
    }

    private static string Milliseconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:F1} ms");
}
