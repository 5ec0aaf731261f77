using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Metrics;

/// <summary>Reads a question about clicks from a query string. All that can be wrong with it is found here, before the store is asked.</summary>
internal static class ClickQuestion
{
    /// <summary>Rule of the parameter <c>granularity</c>.</summary>
    public static readonly OneOfAttribute GranularityRule = new("minute", "quarter-hour", "hour", "day");

    /// <summary>Most ads that one question may name.</summary>
    public const int MaxAds = 50;

    private static readonly BetweenAttribute TopRule = new(1, 1_000);

    private const string TimeRule = "must be a time as in RFC 3339 with Z or an offset, such as 2026-11-24T01:00:00Z";

    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz"];

    private static readonly QueryParameter[] Common =
    [
        new("from", "Inclusive start, RFC 3339 with Z or an offset; aligned outwards to a bucket. Default: an hour before `to`.")
        {
            Format = "date-time",
        },
        new("to", "Exclusive end, RFC 3339 with Z or an offset; aligned outwards to a bucket. Default: now.") { Format = "date-time" },
        new("granularity", "Width of a bucket.") { Rule = GranularityRule, Default = "minute" },
        new("timeZone", "IANA name of the time zone in which buckets are aligned.") { Default = "UTC" },
        new("fill", "Whether empty buckets are listed with zeros.") { Rule = new OneOfAttribute("none", "zero"), Default = "none" },
    ];

    /// <summary>The parameter that narrows an advertiser's clicks down to some ads.</summary>
    public static readonly QueryParameter Ads = new("ads", "Only these ads of the advertiser: at most 50 IDs with commas in between.");

    /// <summary>Parameters of the question about an ad.</summary>
    public static QueryParameter[] OfAd => Common;

    /// <summary>Parameters of the question about an ad's proof.</summary>
    public static QueryParameter[] OfReconciliation { get; } = [.. Common.Select(parameter => parameter.Name == "granularity" ? parameter with { Default = "hour" } : parameter)];

    /// <summary>Parameters of the question about an advertiser.</summary>
    public static QueryParameter[] OfAdvertiser { get; } =
    [
        .. Common,
        new("groupBy", "Whether the answer is split by ad.") { Rule = new OneOfAttribute("none", "ad"), Default = "none" },
        new("top", "How many of the largest ads are listed when grouped; the rest is summed up in `others`.")
        {
            Rule = TopRule,
            Default = "50",
        },
        new("series", "With `none`, groups come without their buckets: the totals of many ads over a long range.")
        {
            Rule = new OneOfAttribute("buckets", "none"),
            Default = "buckets",
        },
        Ads,
    ];

    /// <summary>Reads the question, aligned to buckets so that equal questions are equal.</summary>
    /// <param name="query">Query string, whose parameters are known and given once.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="subject">A question with the ad or advertiser filled in.</param>
    /// <param name="now">Now.</param>
    /// <param name="question">The question.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryRead(
        IQueryCollection query,
        QueryParameter[] parameters,
        (string? AdId, string? AdvertiserId) subject,
        DateTimeOffset now,
        [NotNullWhen(true)] out ClickQuery? question,
        [NotNullWhen(false)] out Problem? problem)
    {
        var errors = new FieldErrors();
        string? Text(string name)
        {
            var parameter = parameters.FirstOrDefault(parameter => parameter.Name == name);
            if (parameter is null || query[name] is not [{ } value])
            {
                return parameter?.Default;
            }

            if (parameter.Rule is OneOfAttribute rule)
            {
                errors.Check(name, value, rule);
            }

            return value;
        }

        var to = ReadTime(query, "to", errors) ?? now;
        var from = ReadTime(query, "from", errors) ?? (to > DateTimeOffset.MinValue.AddHours(1) ? to.AddHours(-1) : DateTimeOffset.MinValue);
        var granularity = ReadGranularity(Text("granularity"));
        var timeZone = Text("timeZone")!;
        if (!BucketAlignment.TryFindZone(timeZone, out _))
        {
            errors.Add("timeZone", "must be the IANA name of a time zone, such as Europe/Berlin");
        }

        var fill = Text("fill");
        var groupBy = Text("groupBy");
        var top = ReadTop(Text("top"), errors);
        var isWithoutBuckets = Text("series") == "none";
        if (isWithoutBuckets && groupBy != "ad")
        {
            errors.Add("series", "may be none with groupBy=ad only");
        }

        var ads = ReadAds(query, errors);
        if (!errors.Any && from > to)
        {
            errors.Add("from", "must not be after \"to\"");
        }

        question = null;
        if (errors.Any)
        {
            problem = errors.ToProblem();
            return false;
        }

        var groupByAd = groupBy == "ad";
        var asked = new ClickQuery
        {
            AdId = subject.AdId,
            AdvertiserId = subject.AdvertiserId,
            From = from,
            To = to,
            Granularity = granularity,
            TimeZone = timeZone,
            FillZero = fill == "zero",
            GroupByAd = groupByAd,
            TotalsOnly = isWithoutBuckets,
            OnlyAds = ads,
        };
        if (!BucketAlignment.TryAlign(asked, out var range, out var error))
        {
            problem = TooLong(error);
            return false;
        }

        question = asked with { From = range.From, To = range.To, Top = groupByAd ? top : asked.Top };
        problem = null;
        return true;
    }

    /// <summary>The granularity's name.</summary>
    public static string Name(Granularity granularity) => granularity switch
    {
        Granularity.Minute => "minute",
        Granularity.QuarterHour => "quarter-hour",
        Granularity.Hour => "hour",
        Granularity.Day => "day",
        _ => throw new ArgumentOutOfRangeException(nameof(granularity), granularity, "No such granularity."),
    };

    /// <summary>The range gives too many buckets.</summary>
    public static Problem TooLong(string why)
    {
        var errors = new FieldErrors();
        errors.Add("from", $"and \"to\" don't fit the granularity: {why.TrimEnd('.')}");
        return errors.ToProblem();
    }

    /// <summary>The time of a parameter; null when it is left out, or wrong, which is noted.</summary>
    public static DateTimeOffset? ReadTime(IQueryCollection query, string name, FieldErrors errors)
    {
        if (query[name] is not [{ } text])
        {
            return null;
        }

        if (TryReadTime(text, out var time))
        {
            return time;
        }

        errors.Add(name, TimeRule);
        return null;
    }

    /// <summary>Reads a time as in RFC 3339.</summary>
    public static bool TryReadTime(string text, out DateTimeOffset time)
    {
        if (text is [.. var start, 'Z' or 'z'])
        {
            text = start + "+00:00";
        }
        else if (text.Length > 6 && text[^6] == ' ')
        {
            // A plus sign that was not encoded arrives as a space.
            text = $"{text[..^6]}+{text[^5..]}";
        }

        return DateTimeOffset.TryParseExact(text.Replace('t', 'T'), Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
    }

    /// <summary>The IDs in `ads`, in ascending order, each once; null where it is left out.</summary>
    public static string? ReadAds(IQueryCollection query, FieldErrors errors)
    {
        if (query[Ads.Name] is not [{ } text])
        {
            return null;
        }

        var ids = text.Split(',').Order(StringComparer.Ordinal).Distinct(StringComparer.Ordinal).ToList();
        if (ids.Count > MaxAds || !ids.TrueForAll(id => Ids.IsValid(id)))
        {
            errors.Add(Ads.Name, $"must be 1 to {MaxAds} ad IDs with commas in between, each {Ids.Rule}");
            return null;
        }

        return string.Join(',', ids);
    }

    /// <summary>The granularity of a name that was checked before; a minute where there is none.</summary>
    public static Granularity ReadGranularity(string? text) => text switch
    {
        "quarter-hour" => Granularity.QuarterHour,
        "hour" => Granularity.Hour,
        "day" => Granularity.Day,
        _ => Granularity.Minute,
    };

    private static int ReadTop(string? text, FieldErrors errors)
    {
        if (text is null)
        {
            return 0;
        }

        var top = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        errors.Check("top", top, TopRule);
        return top;
    }
}
