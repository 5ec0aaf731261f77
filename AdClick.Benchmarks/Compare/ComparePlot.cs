using ScottPlot;

namespace AdClick.Benchmarks.Compare;

/// <summary>Draws the highest rates of a comparison.</summary>
internal static class ComparePlot
{
    /// <summary>Writes an SVG file: a bar for each contender, and a dot for each of its turns.</summary>
    public static void Save(CompareReport report, string file)
    {
        var plot = new Plot();
        var bars = report.Contenders.Select((contender, i) => new Bar
        {
            Position = report.Contenders.Count - 1 - i,
            Value = contender.Median(turn => turn.Rate),
            FillColor = contender.Name == Contenders.Embedded ? Color.FromHex("#2563eb") : Color.FromHex("#94a3b8"),
            LineWidth = 0,
            Orientation = Orientation.Horizontal,
        });
        plot.Add.Bars(bars.ToArray());
        for (var i = 0; i < report.Contenders.Count; i++)
        {
            var turns = report.Contenders[i].Turns;
            var dots = plot.Add.ScatterPoints(turns.Select(turn => turn.Rate).ToArray(), Enumerable.Repeat((double)(report.Contenders.Count - 1 - i), turns.Count).ToArray());
            dots.Color = Colors.Black;
            dots.MarkerSize = 4;
        }

        plot.Axes.Left.SetTicks(
            [.. report.Contenders.Select((_, i) => (double)(report.Contenders.Count - 1 - i))], [.. report.Contenders.Select(contender => contender.Name)]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.HideGrid();
        plot.Axes.Margins(left: 0);
        plot.XLabel("redirects/s at most: median, and each turn");
        plot.SaveSvg(file, 800, 300);
    }
}
