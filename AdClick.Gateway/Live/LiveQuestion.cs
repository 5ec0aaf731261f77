using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Live;

/// <summary>Whose newest clicks are followed. Viewers with equal questions share one feed.</summary>
/// <param name="AdId">The ad; null when <paramref name="AdvertiserId"/> is set.</param>
/// <param name="AdvertiserId">The advertiser; null when <paramref name="AdId"/> is set.</param>
/// <param name="Granularity">Width of a bucket.</param>
/// <param name="TimeZone">IANA name of the zone in which buckets are aligned.</param>
/// <param name="Buckets">How many of the newest buckets.</param>
/// <param name="OnlyAds">See <see cref="ClickQuery.OnlyAds"/>.</param>
internal sealed record LiveQuestion(
    string? AdId, string? AdvertiserId, Granularity Granularity, string TimeZone, int Buckets, string? OnlyAds)
{
    private static readonly BetweenAttribute BucketsRule = new(1, 1_500);

    private static readonly QueryParameter[] Common =
    [
        new("granularity", "Width of a bucket.") { Rule = new OneOfAttribute("minute", "quarter-hour", "hour", "day"), Default = "minute" },
        new("timeZone", "IANA name of the time zone in which buckets are aligned.") { Default = "UTC" },
        new("buckets", "How many of the newest buckets are followed, the current one included.") { Rule = BucketsRule, Default = "60" },
    ];

    /// <summary>Parameters of the stream of an ad.</summary>
    public static QueryParameter[] OfAd => Common;

    /// <summary>Parameters of the stream of an advertiser.</summary>
    public static QueryParameter[] OfAdvertiser { get; } = [.. Common, ClickQuestion.Ads];

    /// <summary>Reads the question.</summary>
    /// <param name="query">Query string, whose parameters are known and given once.</param>
    /// <param name="subject">The ad or the advertiser.</param>
    /// <param name="question">The question.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryRead(
        IQueryCollection query,
        (string? AdId, string? AdvertiserId) subject,
        [NotNullWhen(true)] out LiveQuestion? question,
        [NotNullWhen(false)] out Problem? problem)
    {
        var errors = new FieldErrors();
        var granularity = query["granularity"] is [{ } name] ? name : "minute";
        errors.Check("granularity", granularity, (OneOfAttribute)Common[0].Rule!);
        var timeZone = query["timeZone"] is [{ } zone] ? zone : "UTC";
        if (!BucketAlignment.TryFindZone(timeZone, out _))
        {
            errors.Add("timeZone", "must be the IANA name of a time zone, such as Europe/Berlin");
        }

        var buckets = 60;
        if (query["buckets"] is [{ } text])
        {
            buckets = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            errors.Check("buckets", buckets, BucketsRule);
        }

        var ads = ClickQuestion.ReadAds(query, errors);
        problem = errors.Any ? errors.ToProblem() : null;
        question = errors.Any
            ? null
            : new LiveQuestion(subject.AdId, subject.AdvertiserId, ClickQuestion.ReadGranularity(granularity), timeZone, buckets, ads);
        return question is not null;
    }

    /// <summary>What is to be asked at a time: the newest buckets, empty ones included, because whether those can still change is news too.</summary>
    public ClickQuery At(DateTimeOffset now)
    {
        var width = Granularity switch
        {
            Granularity.Minute => TimeSpan.FromMinutes(1),
            Granularity.QuarterHour => TimeSpan.FromMinutes(15),
            Granularity.Hour => TimeSpan.FromHours(1),
            _ => TimeSpan.FromDays(1),
        };
        var asked = new ClickQuery
        {
            AdId = AdId,
            AdvertiserId = AdvertiserId,
            From = now - ((Buckets - 1) * width),
            To = now.AddTicks(1), // the bucket that begins right now belongs to it
            Granularity = Granularity,
            TimeZone = TimeZone,
            FillZero = true,
            OnlyAds = OnlyAds,
        };
        return BucketAlignment.TryAlign(asked, out var range, out var error)
            ? asked with { From = range.From, To = range.To }
            : throw new InvalidOperationException($"{Buckets} buckets up to {now:O} can't be aligned: {error}");
    }
}
