using System.Buffers;

namespace AdClick.Actors.Clicks;

/// <summary>What is kept of an Accept-Language header: the first language.</summary>
public static class Language
{
    /// <summary>Longest language tag, in characters; what RFC 5646 (4.4.1) says a limit should be at least.</summary>
    public const int MaxLength = 35;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>The first language tag, such as <c>en-GB</c>; "" where the header is missing or begins with none. Never throws.</summary>
    public static string Of(string? acceptLanguage)
    {
        var tag = acceptLanguage.AsSpan();
        var end = tag.IndexOfAny(',', ';');
        tag = (end < 0 ? tag : tag[..end]).Trim();
        return tag.Length is > 0 and <= MaxLength && char.IsAsciiLetter(tag[0]) && !tag.ContainsAnyExcept(Allowed) ? tag.ToString() : "";
    }
}
