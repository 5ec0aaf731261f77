using AdClick.Actors.Clicks;
using Xunit;

namespace AdClick.Tests.Clicks;

public class IdsTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("A-z_09")]
    [InlineData("-")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234")]
    public void These_are_IDs(string id) => Assert.True(Ids.IsValid(id));

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    [InlineData("a b")]
    [InlineData("a/0")]
    [InlineData("a.b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    [InlineData("a\n")]
    [InlineData("١")]
    public void These_are_none(string? id) => Assert.False(Ids.IsValid(id));

    [Fact]
    public void No_character_but_those_of_the_rule_is_allowed()
    {
        for (var c = 0; c <= char.MaxValue; c++)
        {
            var character = (char)c;
            Assert.Equal(char.IsAsciiLetterOrDigit(character) || character is '_' or '-', Ids.IsValid([character]));
        }
    }
}
