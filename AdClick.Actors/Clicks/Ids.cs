using System.Buffers;

namespace AdClick.Actors.Clicks;

/// <summary>The form that ad, advertiser and campaign IDs and placements have in common.</summary>
public static class Ids
{
    /// <summary>Longest ID, in characters.</summary>
    public const int MaxLength = 64;

    /// <summary>What an ID is made of, for error messages.</summary>
    public const string Rule = "1 to 64 of A-Z a-z 0-9 _ -";

    /// <summary>The characters of an ID, which are those of base64url.</summary>
    internal static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>Whether the text is a valid ID.</summary>
    public static bool IsValid(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxLength && !text.ContainsAnyExcept(Alphabet);
}
