using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Clicks;

public class ClickRecordWriterTests
{
    private static readonly ClickRecord Click = new()
    {
        Nonce = 1,
        Impression = new ImpressionId(2, 3),
        ExpiresAtMs = 4,
        Ad = new AdKey("ad7", 0),
        ClickTimeMs = 5,
    };

    [Property(MaxTest = 500)]
    public Property A_click_is_written_byte_for_byte_as_the_generated_code_does() => Prop.ForAll(Arbitrary.Click.ToArbitrary(), click =>
    {
        var record = Encode(click);
        var generated = new LogRecord
        {
            Click = new Click
            {
                Nonce = click.Nonce,
                ImpressionHigh = click.Impression.High,
                ImpressionLow = click.Impression.Low,
                ExpiresAtMs = click.ExpiresAtMs,
                AdId = click.Ad.AdId,
                SubShard = (uint)click.Ad.SubShard,
                ClickTimeMs = click.ClickTimeMs,
                Verdict = click.Verdict,
                Placement = click.Placement ?? "",
                UserAgent = Cut(click.UserAgent ?? "", ClickRecordWriter.MaxUserAgentLength),
                ClientNetwork = click.ClientNetwork ?? "",
                ReferrerHost = click.ReferrerHost ?? "",
                Language = click.Language ?? "",
                Gateway = click.Gateway ?? "",
            },
        };
        Assert.Equal(generated.ToByteArray(), record);
    });

    [Property(MaxTest = 300)]
    public Property A_mark_is_written_byte_for_byte_as_the_generated_code_does() => Prop.ForAll(Arbitrary.Mark.ToArbitrary(), mark =>
    {
        var buffer = new byte[ClickRecordWriter.MaxBytes];
        var record = buffer[..ClickRecordWriter.Write(mark, buffer)];
        var generated = new LogRecord { Mark = new Mark { Gateway = mark.Gateway, TimeMs = mark.TimeMs, OpenFromMs = mark.OpenFromMs } };
        Assert.Equal(generated.ToByteArray(), record);
    });

    [Theory]
    [InlineData("€")] // 3 bytes for each UTF-16 character, the most there is
    [InlineData("😀")] // 4 bytes for a pair
    [InlineData("\ud83d")] // half a pair, written as U+FFFD, 3 bytes
    public void The_longest_click_fits_into_the_log(string character)
    {
        var endless = string.Concat(Enumerable.Repeat(character, 100_000));
        var id = new string('x', Ids.MaxLength);
        var record = Encode(new ClickRecord
        {
            Nonce = ulong.MaxValue,
            Impression = new ImpressionId(ulong.MaxValue, ulong.MaxValue),
            ExpiresAtMs = LogRecordReader.MaxTimeMs - 1,
            Ad = new AdKey(id, AdKey.MaxSubShards - 1),
            ClickTimeMs = LogRecordReader.MaxTimeMs - 1,
            Verdict = ClickVerdict.InactiveAd,
            Placement = endless,
            UserAgent = endless,
            ClientNetwork = endless,
            ReferrerHost = endless,
            Language = endless,
            Gateway = endless,
        });
        Assert.InRange(record.Length, 1, ClickLogLimits.MaxRecordBytes / 2);
        Assert.Equal(LogRecordReader.Kind.Click, default(LogRecordReader).Read(record));
        Assert.InRange(LogRecord.Parser.ParseFrom(record).Click.UserAgent.Length, 511, 512);
    }

    [Fact]
    public void A_user_agent_is_never_cut_through_a_surrogate_pair()
    {
        var before = new string('a', ClickRecordWriter.MaxUserAgentLength - 1);
        Assert.Equal(before, UserAgentAfter(before + "😀 and more"));
        Assert.Equal(before[1..] + "😀", UserAgentAfter(before[1..] + "😀 and more"));
        Assert.Equal(before + "b", UserAgentAfter(before + "bc"));
        Assert.Equal(before + "b", UserAgentAfter(before + "b"));

        static string UserAgentAfter(string userAgent) => LogRecord.Parser.ParseFrom(Encode(Click with { UserAgent = userAgent })).Click.UserAgent;
    }

    [Fact]
    public void What_could_not_be_read_again_is_not_written()
    {
        AssertSays("'/0'", () => Encode(Click with { Ad = new AdKey("", 0) }));
        AssertSays("'a b/0'", () => Encode(Click with { Ad = new AdKey("a b", 0) }));
        AssertSays("'a/64'", () => Encode(Click with { Ad = new AdKey("a", 64) }));
        AssertSays("click time of -1", () => Encode(Click with { ClickTimeMs = -1 }));
        AssertSays("click time of 8000000000000", () => Encode(Click with { ClickTimeMs = LogRecordReader.MaxTimeMs }));
        AssertSays("expiry of -1", () => Encode(Click with { ExpiresAtMs = -1 }));
        AssertSays("name of its gateway", () => Encode(new MarkRecord("", 1, 1)));
        AssertSays("open-from time of -1", () => Encode(new MarkRecord("g", 1, -1)));
    }

    [Fact]
    public void A_destination_without_room_is_refused_and_left_alone()
    {
        var record = Encode(Click);
        var destination = new byte[record.Length - 1];
        AssertSays($"takes {record.Length} bytes", () => ClickRecordWriter.Write(Click, destination));
        Assert.All(destination, b => Assert.Equal(0, b));
        destination = new byte[record.Length];
        Assert.Equal(record.Length, ClickRecordWriter.Write(Click, destination));
        Assert.Equal(record, destination);
    }

    [Fact]
    public void Writing_allocates_nothing()
    {
        var click = Click with { UserAgent = "Mozilla/5.0 ü", ClientNetwork = "203.0.113.0/24", Gateway = "node-1" };
        var buffer = new byte[ClickRecordWriter.MaxBytes];
        ClickRecordWriter.Write(click, buffer);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            ClickRecordWriter.Write(click, buffer);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Cut(string text, int maxLength) =>
        text.Length <= maxLength ? text : text[..(char.IsHighSurrogate(text[maxLength - 1]) ? maxLength - 1 : maxLength)];

    private static byte[] Encode(in ClickRecord click)
    {
        var buffer = new byte[ClickRecordWriter.MaxBytes];
        return buffer[..ClickRecordWriter.Write(click, buffer)];
    }

    private static byte[] Encode(in MarkRecord mark)
    {
        var buffer = new byte[ClickRecordWriter.MaxBytes];
        return buffer[..ClickRecordWriter.Write(mark, buffer)];
    }

    private static void AssertSays(string part, Func<object> act) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
}
