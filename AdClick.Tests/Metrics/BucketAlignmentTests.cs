using AdClick.Actors.Metrics;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class BucketAlignmentTests
{
    private static readonly string[] Zones =
    [
        "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Havana", "America/Asuncion",
        "Asia/Kathmandu", "Asia/Kolkata", "Asia/Beirut", "Asia/Tehran", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia",
        "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Antarctica/Troll",
    ];

    [Fact]
    public void A_range_is_aligned_outwards_to_buckets()
    {
        var range = Align("2026-11-24T01:02:59.999Z", "2026-11-24T01:59:00.001Z", Granularity.QuarterHour, "UTC");

        Assert.Equal("2026-11-24T01:00Z 2026-11-24T01:15Z 2026-11-24T01:30Z 2026-11-24T01:45Z 2026-11-24T02:00Z", Starts(range));
        Assert.Equal(Time("2026-11-24T01:00Z"), range.From);
        Assert.Equal(Time("2026-11-24T02:00Z"), range.To);
    }

    [Fact]
    public void A_bound_on_a_boundary_stays()
    {
        Assert.Equal("2026-11-24T01:02Z 2026-11-24T01:03Z", Starts(Align("2026-11-24T01:02Z", "2026-11-24T01:03Z", Granularity.Minute, "UTC")));
    }

    [Fact]
    public void An_empty_range_has_no_bucket()
    {
        var range = Align("2026-11-24T01:02:03+01:00", "2026-11-24T00:02:03Z", Granularity.Day, "Europe/Berlin");

        Assert.Equal(0, range.Count);
        Assert.Equal(Time("2026-11-24T00:02:03Z"), range.From);
        Assert.Equal(TimeSpan.Zero, range.From.Offset);
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-29", 23.0)]
    [InlineData("Europe/Berlin", "2026-10-25", 25.0)]
    [InlineData("Australia/Lord_Howe", "2026-10-04", 23.5)]
    [InlineData("Australia/Lord_Howe", "2026-04-05", 24.5)]
    [InlineData("Asia/Kathmandu", "2026-06-01", 24.0)]
    [InlineData("America/Havana", "2026-11-01", 25.0)] // clocks go from 01:00 back to the day's own midnight
    [InlineData("America/Sao_Paulo", "2018-02-17", 25.0)] // … from midnight back to 23:00
    [InlineData("America/Sao_Paulo", "2018-11-04", 23.0)] // … from midnight to 01:00: the day has no midnight
    public void A_day_is_a_date_of_the_zone(string zone, string date, double hours)
    {
        var info = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var noon = new DateTimeOffset(DateTime.Parse(date + "T12:00", null), info.GetUtcOffset(DateTime.Parse(date + "T12:00", null)));
        var range = Align(noon, noon.AddMinutes(1), Granularity.Day, zone);

        Assert.Equal(1, range.Count);
        Assert.Equal(hours, (range.To - range.From).TotalHours);
        Assert.Equal(date, TimeZoneInfo.ConvertTime(range.From, info).ToString("yyyy-MM-dd", null));
        Assert.NotEqual(date, TimeZoneInfo.ConvertTime(range.From.AddMinutes(-1), info).ToString("yyyy-MM-dd", null));
        Assert.NotEqual(date, TimeZoneInfo.ConvertTime(range.To, info).ToString("yyyy-MM-dd", null));
    }

    [Fact]
    public void A_date_that_a_zone_left_out_has_no_bucket()
    {
        // Samoa went from 29 December 2011 straight to the 31st.
        Assert.Equal(
            "2011-12-29T10:00Z 2011-12-30T10:00Z 2011-12-31T10:00Z",
            Starts(Align("2011-12-29T10:00Z", "2011-12-31T00:00Z", Granularity.Day, "Pacific/Apia")));
    }

    [Fact]
    public void Hours_follow_the_clock_of_a_zone_with_an_odd_offset()
    {
        Assert.Equal(
            "2026-11-24T00:15Z 2026-11-24T01:15Z", Starts(Align("2026-11-24T00:20Z", "2026-11-24T01:00Z", Granularity.Hour, "Asia/Kathmandu")));
        Assert.Equal(
            "1971-01-01T00:44Z 1971-01-01T01:44Z", Starts(Align("1971-01-01T01:00Z", "1971-01-01T01:30Z", Granularity.Hour, "Africa/Monrovia")));
    }

    [Fact]
    public void A_change_of_clocks_by_half_an_hour_makes_a_bucket_of_half_an_hour()
    {
        // Lord Howe, 4 April 2026, 15:00Z: 02:00 becomes 01:30.
        Assert.Equal(
            "2026-04-04T14:00Z 2026-04-04T15:00Z 2026-04-04T15:30Z 2026-04-04T16:30Z",
            Starts(Align("2026-04-04T14:00Z", "2026-04-04T16:00Z", Granularity.Hour, "Australia/Lord_Howe")));
    }

    [Fact]
    public void An_hour_that_the_clocks_repeat_is_two_buckets()
    {
        Assert.Equal(4, Align("2026-10-24T23:00Z", "2026-10-25T03:00Z", Granularity.Hour, "Europe/Berlin").Count);
    }

    [Fact]
    public void Ten_thousand_buckets_are_answered_and_one_more_is_not()
    {
        var from = Time("2026-01-01T00:00Z");

        Assert.Equal(10_000, Align(from, from.AddMinutes(10_000), Granularity.Minute, "UTC").Count);
        Assert.Contains("10000 buckets", Refused(from, from.AddMinutes(10_001), Granularity.Minute, "UTC"), StringComparison.Ordinal);
        Assert.Equal(10_000, Align(from.AddDays(-10_000), from, Granularity.Day, "UTC").Count);
        Assert.Contains("10000 buckets", Refused(from.AddDays(-10_001), from, Granularity.Day, "UTC"), StringComparison.Ordinal);
        Assert.Contains("10000 buckets", Refused(Time("0002-01-01T00:00Z"), Time("9997-01-01T00:00Z"), Granularity.Minute, "Europe/Berlin"),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Mars/Olympus")]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("/usr/share/zoneinfo/UTC")]
    [InlineData("right/UTC")]
    [InlineData("localtime")]
    [InlineData("zone.tab")]
    [InlineData("Europe/Berlin\0")]
    public void What_is_no_IANA_zone_is_refused(string zone)
    {
        Assert.Contains("timeZone", Refused(Time("2026-01-01T00:00Z"), Time("2026-01-02T00:00Z"), Granularity.Day, zone), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_question_is_refused_by_the_name_of_its_field()
    {
        Assert.Contains("'from'", Refused(Time("2026-01-02T00:00Z"), Time("2026-01-01T00:00Z"), Granularity.Day, "UTC"), StringComparison.Ordinal);
        Assert.Contains("'granularity'", Refused(Time("2026-01-01T00:00Z"), Time("2026-01-02T00:00Z"), (Granularity)9, "UTC"),
            StringComparison.Ordinal);
        Assert.Contains("years", Refused(DateTimeOffset.MinValue, DateTimeOffset.MinValue.AddHours(1), Granularity.Day, "UTC"),
            StringComparison.Ordinal);
        Assert.Contains("years", Refused(DateTimeOffset.MaxValue.AddHours(-1), DateTimeOffset.MaxValue, Granularity.Day, "UTC"),
            StringComparison.Ordinal);
    }

    [Property(MaxTest = 150)]
    public Property Buckets_begin_where_the_local_clock_says_so()
    {
        var questions =
            from zone in Gen.Elements(Zones)
            from granularity in Gen.Elements(Granularity.Minute, Granularity.QuarterHour, Granularity.Hour, Granularity.Day)
            from start in Gen.OneOf(
                Gen.Choose(0, 40_000_000).Select(minute => minute),
                Gen.Elements(29_600_000, 29_590_500, 29_906_000, 22_080_000, 25_311_000)) // about changes of clocks in several zones
            from length in Gen.Choose(1, 3 * 1440)
            select (zone, granularity, start, length);
        return Prop.ForAll(questions.ToArbitrary(), question =>
        {
            var (zone, granularity, start, length) = question;
            var range = Align(BucketAlignment.TimeOf(start), BucketAlignment.TimeOf(start + length), granularity, zone);
            Assert.Equal(Reference(zone, granularity, start, start + length), range.BoundaryMinutes.ToArray());
        });
    }

    /// <summary>
    /// Walks minute by minute: a bucket begins where the local quarter, hour or (for the first time) date is another than a minute before.
    /// </summary>
    private static List<long> Reference(string zone, Granularity granularity, int from, int to)
    {
        var info = TimeZoneInfo.FindSystemTimeZoneById(zone);
        long Offset(long minute) => (long)info.GetUtcOffset(BucketAlignment.TimeOf(minute)).TotalMinutes;
        long Label(long minute, int step) => (long)Math.Floor((minute + Offset(minute)) / (double)step);

        var boundaries = new List<long>();
        var latestDate = Label(from - (4 * 1440), 1440);
        for (var minute = from - (4L * 1440) + 1; boundaries.Count == 0 || boundaries[^1] < to; minute++)
        {
            var begins = granularity switch
            {
                Granularity.Minute => true,
                Granularity.QuarterHour => Offset(minute) != Offset(minute - 1) || Label(minute, 15) != Label(minute - 1, 15),
                Granularity.Hour => Offset(minute) != Offset(minute - 1) || Label(minute, 60) != Label(minute - 1, 60),
                _ => Label(minute, 1440) > latestDate,
            };
            latestDate = Math.Max(latestDate, Label(minute, 1440));
            if (begins)
            {
                if (minute <= from)
                {
                    boundaries.Clear();
                }

                boundaries.Add(minute);
            }
        }

        return boundaries;
    }

    private static AlignedRange Align(string from, string to, Granularity granularity, string zone) => Align(Time(from), Time(to), granularity, zone);

    private static AlignedRange Align(DateTimeOffset from, DateTimeOffset to, Granularity granularity, string zone)
    {
        Assert.True(BucketAlignment.TryAlign(Question(from, to, granularity, zone), out var range, out var error), error);
        return range;
    }

    private static string Refused(DateTimeOffset from, DateTimeOffset to, Granularity granularity, string zone)
    {
        Assert.False(BucketAlignment.TryAlign(Question(from, to, granularity, zone), out _, out var error));
        return error;
    }

    private static ClickQuery Question(DateTimeOffset from, DateTimeOffset to, Granularity granularity, string zone) =>
        new() { AdId = "a", From = from, To = to, Granularity = granularity, TimeZone = zone };

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, null);

    private static string Starts(AlignedRange range) =>
        string.Join(' ', Enumerable.Range(0, range.Count + 1).Select(i => range.StartOf(i).ToString("yyyy-MM-ddTHH:mmZ", null)));
}
