using AdClick.Actors.Clicks;

namespace AdClick.Tests.Partitions;

/// <summary>What follows a record of the script.</summary>
internal enum Then
{
    GoOn,
    Flush,
    Checkpoint,
    HandOff,
    Purge,
}

/// <summary>Records with append times, and what is done in between.</summary>
internal sealed record CrashScript(IReadOnlyList<(long TimeMs, byte[] Record, Then Then)> Steps)
{
    public const long AllowedLatenessMs = 10 * TestClick.Minute;

    /// <summary>
    /// All outcomes; impressions that die while others live; deltas that a snapshot covers, and such that the clock outlives.
    /// </summary>
    public static CrashScript Write()
    {
        var steps = new List<(long, byte[], Then)>();
        var t = TestClick.Start;
        Click("a", 1, 1);
        Click("a", 1, 1); // a copy
        Click("b", 2, 1, ClickVerdict.Bot, then: Then.Flush);
        Click("b", 2, 2);
        Click("a", 1, 2, then: Then.Checkpoint);
        steps.Add((t, [0xff], Then.GoOn)); // garbage
        Click("a", 3, 1, ClickVerdict.InactiveAd);
        Click("c", 4, 1, expiresIn: -TestClick.Second, then: Then.Flush);
        steps.Add((t, TestClick.Mark("g", t, t - TestClick.Second), Then.Checkpoint));
        Click("a", 1, 2, then: Then.HandOff); // a copy, whose first stands in a checkpoint
        Click("a", 5, 1, expiresIn: TestClick.Hour, then: Then.Purge);
        t += 40 * TestClick.Minute; // most of the above is dead now
        steps.Add((t, TestClick.Mark("g", t, t), Then.GoOn));
        Click("b", 6, 1, delay: 30 * TestClick.Minute, expiresIn: TestClick.Hour); // late
        Click("b", 6, 2, then: Then.HandOff);
        Click("a", 5, 2, then: Then.Flush); // a duplicate across all that
        Click("a", 1, 3, expiresIn: -20 * TestClick.Minute, then: Then.Checkpoint); // of an impression that is forgotten
        Click("a", 5, 1, expiresIn: TestClick.Hour, then: Then.Purge);
        Click("c", 8, 1, then: Then.HandOff);
        Click("b", 6, 3, then: Then.Flush); // of an impression that stands in an older delta, which the purge had to leave
        t += 2 * TestClick.Hour;
        Click("d", 7, 1, then: Then.Checkpoint);
        Click("d", 7, 1, then: Then.Purge);
        Click("d", 7, 2, then: Then.Flush);
        return new CrashScript(steps);

        void Click(
            string adId,
            long impression,
            ulong nonce,
            ClickVerdict verdict = ClickVerdict.Valid,
            long delay = 0,
            long expiresIn = 5 * TestClick.Minute,
            Then then = Then.GoOn)
        {
            t += 5 * TestClick.Second;
            steps.Add((t, TestClick.Record(adId, impression, nonce, t - delay, 0, t + expiresIn, verdict), then));
        }
    }
}
