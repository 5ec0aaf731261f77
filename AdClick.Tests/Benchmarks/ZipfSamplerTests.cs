using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class ZipfSamplerTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(1.3)]
    public void Each_item_is_drawn_as_often_as_Zipfs_law_says(double exponent)
    {
        const int Items = 50;
        const int Draws = 400_000;
        var sampler = new ZipfSampler(Items, exponent);
        var random = new SeededRandom(7);
        var counts = new int[Items];
        for (var i = 0; i < Draws; i++)
        {
            counts[sampler.Next(random)]++;
        }

        var sum = Enumerable.Range(1, Items).Sum(rank => Math.Pow(rank, -exponent));
        for (var item = 0; item < Items; item++)
        {
            var expected = Draws * Math.Pow(item + 1, -exponent) / sum;
            Assert.InRange(counts[item], expected - (6 * Math.Sqrt(expected)), expected + (6 * Math.Sqrt(expected)));
        }
    }

    [Fact]
    public void The_same_seed_draws_the_same_items()
    {
        var sampler = new ZipfSampler(1_000, 1);
        var one = new SeededRandom(3);
        var other = new SeededRandom(3);

        Assert.Equal(Enumerable.Range(0, 100).Select(_ => sampler.Next(one)), Enumerable.Range(0, 100).Select(_ => sampler.Next(other)));
    }

    [Fact]
    public void A_single_item_is_always_drawn() => Assert.Equal(0, new ZipfSampler(1, 1).Next(new SeededRandom(1)));
}
