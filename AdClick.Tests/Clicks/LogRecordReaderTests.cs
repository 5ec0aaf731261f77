using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Clicks;

/// <summary>Holds the hand-written reader against the generated parser.</summary>
public class LogRecordReaderTests
{
    [Property(MaxTest = 300)]
    public Property A_click_reads_as_the_generated_parser_reads_it() =>
        Prop.ForAll(Arbitrary.Click.ToArbitrary(), click => AssertAgrees(Encode(click), LogRecordReader.Kind.Click));

    [Property(MaxTest = 300)]
    public Property A_mark_reads_as_the_generated_parser_reads_it() =>
        Prop.ForAll(Arbitrary.Mark.ToArbitrary(), mark => AssertAgrees(Encode(mark), LogRecordReader.Kind.Mark));

    [Property(MaxTest = 30)]
    public Property Every_truncation_is_unreadable_or_what_the_parser_says() => Prop.ForAll(Arbitrary.Click.ToArbitrary(), click =>
    {
        var record = Encode(click);
        var body = LogRecord.Parser.ParseFrom(record).Click.ToByteArray();
        for (var length = 0; length < record.Length; length++)
        {
            AssertAgrees(record[..length]);
        }

        for (var length = 0; length < body.Length; length++)
        {
            AssertAgrees(Frame(1, body[..length])); // a whole frame around a click that was cut
        }
    });

    [Property(MaxTest = 30)]
    public Property Every_change_of_one_byte_is_unreadable_or_what_the_parser_says() => Prop.ForAll(Arbitrary.Click.ToArbitrary(), click =>
    {
        var record = Encode(click with { UserAgent = null });
        for (var i = 0; i < record.Length; i++)
        {
            var changed = record.ToArray();
            changed[i] ^= (byte)(1 << (i % 8));
            AssertAgrees(changed);
        }
    });

    [Property(MaxTest = 2000)]
    public Property Random_bytes_never_throw() => Prop.ForAll(Arbitrary.Bytes.ToArbitrary(), bytes =>
    {
        AssertAgrees(bytes);
        AssertAgrees(Frame(1, bytes));
        AssertAgrees(Frame(2, bytes));
    });

    [Property(MaxTest = 300)]
    public Property Unknown_fields_are_passed_over(ulong number, uint small) =>
        Prop.ForAll(Arbitrary.Click.ToArbitrary(), Arbitrary.Bytes.ToArbitrary(), (click, bytes) => AssertPassedOver(click, number, small, bytes));

    [Fact]
    public void A_verdict_or_sub_shard_of_a_later_version_is_unreadable_not_misread()
    {
        var click = new Click { AdId = "a", Verdict = (ClickVerdict)((int)ClickVerdict.InactiveAd + 1) };
        Assert.Equal(LogRecordReader.Kind.Unreadable, Read(new LogRecord { Click = click }.ToByteArray()));
        click = new Click { AdId = "a", SubShard = AdKey.MaxSubShards };
        Assert.Equal(LogRecordReader.Kind.Unreadable, Read(new LogRecord { Click = click }.ToByteArray()));
    }

    [Fact]
    public void An_empty_record_is_unreadable()
    {
        Assert.Equal(LogRecordReader.Kind.Unreadable, Read([]));
        Assert.Equal(LogRecordReader.Kind.Unreadable, Read(new LogRecord { Click = new Click() }.ToByteArray()));
        Assert.Equal(LogRecordReader.Kind.Unreadable, Read(new LogRecord { Mark = new Mark() }.ToByteArray()));
    }

    private static void AssertPassedOver(in ClickRecord click, ulong number, uint small, byte[] bytes)
    {
        var unknown = new MemoryStream();
        using (var output = new CodedOutputStream(unknown, leaveOpen: true))
        {
            output.WriteTag(100, WireFormat.WireType.Varint);
            output.WriteUInt64(number);
            output.WriteTag(101, WireFormat.WireType.Fixed64);
            output.WriteFixed64(number);
            output.WriteTag(102, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(bytes));
            output.WriteTag(536870911, WireFormat.WireType.Fixed32);
            output.WriteFixed32(small);
        }

        var body = LogRecord.Parser.ParseFrom(Encode(click)).Click.ToByteArray();
        var added = unknown.ToArray();
        AssertAgrees([.. added, .. Frame(1, [.. added, .. body, .. added]), .. added], LogRecordReader.Kind.Click);
    }

    private static LogRecordReader.Kind Read(byte[] record) => default(LogRecordReader).Read(record);

    /// <summary>
    /// What the reader reads, the parser reads alike. The reader may refuse more, namely values out of range, which only matters where the
    /// record must be readable.
    /// </summary>
    private static void AssertAgrees(byte[] record, LogRecordReader.Kind? expected = null)
    {
        var reader = default(LogRecordReader);
        var kind = reader.Read(record);
        if (expected is not null)
        {
            Assert.Equal(expected, kind);
        }

        if (kind == LogRecordReader.Kind.Unreadable)
        {
            return;
        }

        LogRecord parsed;
        try
        {
            parsed = LogRecord.Parser.ParseFrom(record);
        }
        catch (InvalidProtocolBufferException) when (expected is null)
        {
            return; // damage in a field that counting doesn't read, such as text that is not UTF-8
        }

        if (kind == LogRecordReader.Kind.Click)
        {
            Assert.Equal(LogRecord.RecordOneofCase.Click, parsed.RecordCase);
            Assert.Equal(parsed.Click.Nonce, reader.Nonce);
            Assert.Equal(parsed.Click.ImpressionHigh, reader.ImpressionHigh);
            Assert.Equal(parsed.Click.ImpressionLow, reader.ImpressionLow);
            Assert.Equal(parsed.Click.ExpiresAtMs, reader.ExpiresAtMs);
            Assert.Equal(parsed.Click.AdId, System.Text.Encoding.UTF8.GetString(reader.AdId));
            Assert.Equal((int)parsed.Click.SubShard, reader.SubShard);
            Assert.Equal(parsed.Click.ClickTimeMs, reader.ClickTimeMs);
            Assert.Equal(parsed.Click.Verdict, reader.Verdict);
        }
        else
        {
            Assert.Equal(LogRecord.RecordOneofCase.Mark, parsed.RecordCase);
            Assert.Equal(parsed.Mark.Gateway, System.Text.Encoding.UTF8.GetString(reader.Gateway));
            Assert.Equal(parsed.Mark.TimeMs, reader.TimeMs);
            Assert.Equal(parsed.Mark.OpenFromMs, reader.OpenFromMs);
        }
    }

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

    private static byte[] Frame(int field, byte[] body)
    {
        var frame = new MemoryStream();
        using (var output = new CodedOutputStream(frame, leaveOpen: true))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(body));
        }

        return frame.ToArray();
    }
}
