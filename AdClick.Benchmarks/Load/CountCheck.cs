using System.Diagnostics;
using System.Net;

namespace AdClick.Benchmarks.Load;

/// <summary>Compares the counts of every ad with what the ledger says they must be.</summary>
internal static class CountCheck
{
    private const int MaxFaultsListed = 20;

    /// <summary>Waits until the counts are complete through a time, and compares.</summary>
    /// <param name="api">The gateway.</param>
    /// <param name="ads">The ads.</param>
    /// <param name="ledger">What was sent and answered; nothing changes in it any more.</param>
    /// <param name="from">When the run began.</param>
    /// <param name="through">When the last click was answered.</param>
    /// <param name="patience">How long to wait for that.</param>
    public static async Task<CountResult> CompareAsync(
        GatewayApi api, LoadAds ads, ClickLedger ledger, DateTimeOffset from, DateTimeOffset through, TimeSpan patience)
    {
        var started = Stopwatch.GetTimestamp();
        var faults = new List<string>();
        var counted = default(CountedClicks);
        var wrongAds = 0;
        var isComplete = true;
        for (var advertiser = 0; advertiser < ads.Advertisers; advertiser++)
        {
            var answer = await ReadWhenCompleteAsync(
                () => api.ReadAdvertiserAsync(ads.Advertiser(advertiser), from, CancellationToken.None), through, started, patience);
            if (answer.CompleteThrough < through)
            {
                isComplete = false;
                faults.Add($"{ads.Advertiser(advertiser)}: after {patience} still complete through {answer.CompleteThrough:O} only, not {through:O}");
            }

            var first = advertiser * LoadAds.PerAdvertiser;
            for (var ad = first; ad < Math.Min(first + LoadAds.PerAdvertiser, ads.Ids.Count); ad++)
            {
                var counts = answer.Ads.GetValueOrDefault(ads.Ids[ad]);
                counted += counts;
                if (ledger.Expect(ad).FindFault(counts) is { } fault)
                {
                    wrongAds++;
                    faults.Add($"{ads.Ids[ad]}: {fault}");
                }
            }
        }

        return new CountResult
        {
            Counted = counted,
            Expected = ledger.ExpectInAll(),
            WrongAds = wrongAds,
            IsComplete = isComplete,
            Faults = [.. faults.Take(MaxFaultsListed)],
            Wait = Stopwatch.GetElapsedTime(started),
        };
    }

    private static async Task<CountAnswer> ReadWhenCompleteAsync(
        Func<Task<CountAnswer>> read, DateTimeOffset through, long started, TimeSpan patience)
    {
        while (true)
        {
            try
            {
                var answer = await read();
                if (answer.CompleteThrough >= through || Stopwatch.GetElapsedTime(started) > patience)
                {
                    return answer;
                }
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.ServiceUnavailable && Stopwatch.GetElapsedTime(started) < patience)
            {
                // Busy or just started; its own words are shown when patience ends.
            }

            await Task.Delay(200);
        }
    }
}

/// <summary>Outcome of the comparison.</summary>
internal sealed record CountResult
{
    /// <summary>Sum of what was counted.</summary>
    public required CountedClicks Counted { get; init; }

    /// <summary>Bounds of the sum.</summary>
    public required ExpectedClicks Expected { get; init; }

    /// <summary>Ads whose counts are wrong.</summary>
    public required int WrongAds { get; init; }

    /// <summary>Whether the gateway says that its counts are complete.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>The first faults, in words.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>How long it took until everything was counted and read.</summary>
    public required TimeSpan Wait { get; init; }

    /// <summary>Whether every ad's counts are right and complete.</summary>
    public bool IsExact => WrongAds == 0 && IsComplete;
}
