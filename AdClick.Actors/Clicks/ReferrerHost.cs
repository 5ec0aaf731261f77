using System.Buffers;

namespace AdClick.Actors.Clicks;

/// <summary>What is kept of a Referer header: the host, never path or query, which may say something about the person.</summary>
public static class ReferrerHost
{
    /// <summary>Longest host, in characters; as long as DNS allows.</summary>
    public const int MaxLength = 253;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");

    private static readonly SearchValues<char> AllowedInBrackets = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>The host in lower case, without port and user; "" where the header is missing or has none. Never throws.</summary>
    public static string Of(string? referer)
    {
        var rest = referer.AsSpan();
        var schemeEnd = rest.IndexOf("://", StringComparison.Ordinal);
        if (schemeEnd <= 0 || rest[..schemeEnd].ContainsAny("/?#"))
        {
            return "";
        }

        rest = rest[(schemeEnd + 3)..];
        var end = rest.IndexOfAny("/?#\\");
        rest = end < 0 ? rest : rest[..end];
        rest = rest[(rest.LastIndexOf('@') + 1)..];

        bool isHost;
        if (rest.StartsWith('[') && rest.IndexOf(']') is > 1 and var close)
        {
            rest = rest[..(close + 1)];
            isHost = !rest[1..^1].ContainsAnyExcept(AllowedInBrackets);
        }
        else
        {
            var portAt = rest.IndexOf(':');
            rest = portAt < 0 ? rest : rest[..portAt];
            isHost = !rest.ContainsAnyExcept(Allowed);
        }

        return isHost && rest.Length is > 0 and <= MaxLength ? Lower(rest) : "";
    }

    private static string Lower(ReadOnlySpan<char> host) =>
        string.Create(host.Length, host, static (destination, host) => host.ToLowerInvariant(destination));
}
