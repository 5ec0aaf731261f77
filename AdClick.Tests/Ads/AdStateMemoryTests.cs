using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Tests.Partitions;
using Xunit;

namespace AdClick.Tests.Ads;

/// <summary>Alone in the process while it runs: what the garbage collector holds is everybody's.</summary>
[CollectionDefinition(nameof(AdStateMemoryTests), DisableParallelization = true)]
[Collection(nameof(AdStateMemoryTests))]
public sealed class AdStateMemoryTests
{
    [Fact]
    public void An_impression_takes_at_most_64_bytes_by_its_own_account_and_by_the_garbage_collectors()
    {
        const int count = 1_000_000;
        var terms = new CountingTerms(TestClick.Hour, 0);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var state = new AdState(new AdKey("ad", 0));
        for (var i = 0; i < count; i++)
        {
            Apply(state, terms, i, 1);
            if (i % 10 == 0)
            {
                Apply(state, terms, i, 2);
            }
        }

        var measured = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.Equal(count, state.Impressions);
        Assert.InRange(state.MemoryBytes / (double)count, 24, 64);
        Assert.InRange(measured / (double)count, 24, 64);
        GC.KeepAlive(state);
    }

    private static void Apply(AdState state, CountingTerms terms, int impression, ulong nonce) => state.Apply(
        new LoggedClick
        {
            Offset = impression,
            Nonce = nonce,
            Impression = new ImpressionId(0x0192_0000_0000_7000, (ulong)impression * 0x9E3779B97F4A7C15),
            ExpiresAtMs = TestClick.Start + TestClick.Hour,
            ClickTimeMs = TestClick.Start,
            EffectiveTimeMs = TestClick.Start,
            ClockMs = TestClick.Start,
            Verdict = ClickVerdict.Valid,
        },
        terms,
        out _);
}
