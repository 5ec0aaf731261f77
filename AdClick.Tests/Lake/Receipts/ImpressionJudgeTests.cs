using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake.Receipts;
using AdClick.Tests.Partitions;
using FsCheck.Xunit;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Lake.Receipts;

public sealed class ImpressionJudgeTests
{
    private const int Partitions = 3;

    /// <summary>Whatever other impressions, ads, marks and broken records lie between: the clicks of one impression alone have the outcomes that the whole log gives them.</summary>
    [Property(MaxTest = 200, EndSize = 400)]
    public void An_impression_alone_is_judged_as_the_whole_log_judges_it(ClickSpec[] specs)
    {
        var written = ClickSpec.WriteLog(specs, Partitions);
        for (var partition = 0; partition < Partitions; partition++)
        {
            var naive = new NaiveCount(partition, Partitions, ClickSpec.AllowedLatenessMs);
            var clicks = new List<(AdKey Ad, LoggedClick Click, ClickOutcome Outcome)>();
            foreach (var (offset, (appendTimeMs, record)) in written[partition].Index())
            {
                var clockMs = naive.ClockMs;
                if (naive.Apply(appendTimeMs, record) is { } outcome)
                {
                    var click = LogRecord.Parser.ParseFrom(record).Click;
                    clicks.Add((new AdKey(click.AdId, (int)click.SubShard), Logged(click, offset, appendTimeMs, clockMs), outcome));
                }
            }

            foreach (var group in clicks.GroupBy(click => (click.Ad, click.Click.Impression)))
            {
                var judged = ImpressionJudge.Judge(group.Key.Ad, group.Select(click => click.Click), new CountingTerms(ClickSpec.AllowedLatenessMs, 0));
                Assert.Equal(group.Select(click => click.Outcome), judged);
            }
        }
    }

    private static LoggedClick Logged(Click click, long offset, long appendTimeMs, long clockMs) => new()
    {
        Offset = offset,
        Nonce = click.Nonce,
        Impression = new ImpressionId(click.ImpressionHigh, click.ImpressionLow),
        ExpiresAtMs = click.ExpiresAtMs,
        ClickTimeMs = click.ClickTimeMs,
        EffectiveTimeMs = Math.Min(click.ClickTimeMs, appendTimeMs),
        ClockMs = clockMs,
        Verdict = click.Verdict,
    };
}
