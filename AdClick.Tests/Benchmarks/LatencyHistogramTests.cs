using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class LatencyHistogramTests
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.99)]
    [InlineData(0.999)]
    public void A_percentile_is_the_value_of_its_rank_or_up_to_one_percent_above(double share)
    {
        var random = new Random(1);
        var values = Enumerable.Range(0, 50_000).Select(_ => TimeSpan.FromMicroseconds(Math.Exp(random.NextDouble() * 18))).ToArray();
        var histogram = new LatencyHistogram();
        Array.ForEach(values, histogram.Record);

        var exact = values.Order().ElementAt((int)Math.Ceiling(share * values.Length) - 1);

        var percentile = histogram.Percentile(share);
        Assert.InRange(percentile.TotalMicroseconds, Math.Floor(exact.TotalMicroseconds), exact.TotalMicroseconds * 1.01);
    }

    [Fact]
    public void Small_values_are_exact()
    {
        var histogram = new LatencyHistogram();
        for (var us = 1; us <= 100; us++)
        {
            histogram.Record(TimeSpan.FromMicroseconds(us));
        }

        Assert.Equal(TimeSpan.FromMicroseconds(50), histogram.Percentile(0.5));
        Assert.Equal(TimeSpan.FromMicroseconds(99), histogram.Percentile(0.99));
        Assert.Equal(TimeSpan.FromMicroseconds(100), histogram.Percentile(1));
    }

    [Fact]
    public void The_maximum_is_exact_and_no_percentile_is_above_it()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMicroseconds(1_000_003));

        Assert.Equal(TimeSpan.FromMicroseconds(1_000_003), histogram.Max);
        Assert.Equal(TimeSpan.FromMicroseconds(1_000_003), histogram.Percentile(0.999));
    }

    [Fact]
    public void Negative_and_endless_durations_are_counted()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromSeconds(-1));
        histogram.Record(TimeSpan.MaxValue);

        Assert.Equal(2, histogram.Count);
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(0.5));
    }

    [Fact]
    public void Two_histograms_add_up()
    {
        var one = new LatencyHistogram();
        var other = new LatencyHistogram();
        one.Record(TimeSpan.FromMilliseconds(1));
        other.Record(TimeSpan.FromMilliseconds(9));

        one.Add(other);

        Assert.Equal(2, one.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(9), one.Max);
    }

    [Fact]
    public void Without_values_there_is_nothing_to_say() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.99));
}
