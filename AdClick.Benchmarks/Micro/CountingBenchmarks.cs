using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using BenchmarkDotNet.Attributes;

namespace AdClick.Benchmarks.Micro;

/// <summary>The counting rule, for an ad that remembers some impressions.</summary>
[MemoryDiagnoser]
public class CountingBenchmarks
{
    private const long Start = 1_790_000_000_000;
    private const int NewPerRound = 10_000;

    private readonly CountingTerms _terms = new(3_600_000, 0);
    private LoggedClick[] _first = [];
    private LoggedClick[] _again = [];
    private AdState _full = null!;
    private AdState _growing = null!;

    /// <summary>Impressions that the ad remembers.</summary>
    [Params(1_000, 100_000)]
    public int Impressions { get; set; }

    /// <summary>An ad with its impressions.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _full = Filled();
        _again = [.. Enumerable.Range(0, 1_000).Select(i => i * (Impressions / 1_000)).Select(i => Click(i, (uint)i))];
    }

    /// <summary>New impressions change the ad, so each round begins with the same one.</summary>
    [IterationSetup(Target = nameof(InsertImpression))]
    public void SetUpRound()
    {
        _growing = Filled();
        _first = [.. Enumerable.Range(Impressions, NewPerRound).Select(i => Click(i, (uint)i))];
    }

    /// <summary>First click of an impression: accepted, and remembered.</summary>
    [Benchmark(OperationsPerInvoke = NewPerRound)]
    public int InsertImpression()
    {
        var accepted = 0;
        foreach (ref readonly var click in _first.AsSpan())
        {
            accepted += _growing.Apply(click, _terms, out _) == ClickOutcome.Accepted ? 1 : 0;
        }

        return accepted;
    }

    /// <summary>A copy of a click that was counted: found, and known by its nonce.</summary>
    [Benchmark(OperationsPerInvoke = 1_000)]
    public int HitImpression()
    {
        var repeats = 0;
        foreach (ref readonly var click in _again.AsSpan())
        {
            repeats += _full.Apply(click, _terms, out _) == ClickOutcome.Repeat ? 1 : 0;
        }

        return repeats;
    }

    private AdState Filled()
    {
        var state = new AdState(new AdKey("ad1", 0));
        for (var i = 0; i < Impressions; i++)
        {
            state.Apply(Click(i, (uint)i), _terms, out _);
        }

        return state;
    }

    // UUIDv7s of one millisecond whose random part is a multiple of an odd number: different for each i.
    private static LoggedClick Click(int i, uint nonce) => new()
    {
        Offset = i,
        Nonce = nonce + 1,
        Impression = new ImpressionId(((ulong)Start << 16) | 0x7000, (2UL << 62) | (((ulong)i * 0x9E3779B97F4A7C15) >> 2)),
        ExpiresAtMs = Start + 3_600_000,
        ClickTimeMs = Start + 1_000,
        EffectiveTimeMs = Start + 1_000,
        ClockMs = Start,
        Verdict = ClickVerdict.Valid,
    };
}
