using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

public class ImpressionIdTests
{
    [Property]
    public Property Text_and_bytes_give_the_same_ID_back() => Prop.ForAll(Arbitrary.Impression.ToArbitrary(), id =>
    {
        Span<byte> bytes = stackalloc byte[ImpressionId.ByteLength];
        id.Write(bytes);
        Assert.Equal(id, ImpressionId.Read(bytes));
        Assert.True(ImpressionId.TryParse(id.ToString(), out var parsed));
        Assert.Equal(id, parsed);
        Assert.True(ImpressionId.TryParse(id.ToString().ToUpperInvariant(), out parsed));
        Assert.Equal(id, parsed);
        Span<char> text = stackalloc char[36];
        Assert.True(id.TryFormat(text, out var length));
        Assert.Equal(id.ToString(), text[..length].ToString());
        Assert.Equal(new Guid(bytes, bigEndian: true).ToString(), id.ToString());
    });

    [Fact]
    public void A_new_ID_carries_its_issue_time_and_random_low_bits()
    {
        var issuedAt = new DateTimeOffset(2026, 11, 24, 1, 2, 3, 456, TimeSpan.Zero);
        var ids = Enumerable.Range(0, 1000).Select(_ => ImpressionId.New(issuedAt)).ToList();
        Assert.All(ids, id => Assert.Equal(issuedAt.ToUnixTimeMilliseconds(), id.IssuedAtMs));
        Assert.All(ids, id => Assert.True(id.IsUuidV7));
        Assert.Equal(1000, ids.Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 4), ids.Select(id => id.SubShard(4)).Distinct().Order());
    }

    [Fact]
    public void A_known_ID_reads_as_its_parts()
    {
        Assert.True(ImpressionId.TryParse("019ab2d0-5c00-7abc-8def-0123456789ab", out var id));
        Assert.Equal(new ImpressionId(0x019ab2d05c007abc, 0x8def0123456789ab), id);
        Assert.Equal(0x019ab2d05c00, id.IssuedAtMs);
        Assert.Equal(0, id.SubShard(1));
        Assert.Equal(3, id.SubShard(4));
        Assert.Equal(0x2b, id.SubShard(64));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("019ab2d0-5c00-4abc-8def-0123456789ab")] // version 4
    [InlineData("019ab2d0-5c00-7abc-cdef-0123456789ab")] // another variant
    [InlineData("019ab2d05c007abc8def0123456789ab")]
    [InlineData("{019ab2d0-5c00-7abc-8def-0123456789ab}")]
    [InlineData(" 019ab2d0-5c00-7abc-8def-0123456789ab")]
    [InlineData("019ab2d0-5c00-7abc-8def-0123456789a")]
    [InlineData("019ab2d0-5c00-7abc-8def-0123456789ag")]
    public void Anything_but_a_hyphenated_UUIDv7_is_refused(string? text)
    {
        Assert.False(ImpressionId.TryParse(text, out var id));
        Assert.Equal(default, id);
    }
}
