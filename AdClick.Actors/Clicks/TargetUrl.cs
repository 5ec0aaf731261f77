using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;

namespace AdClick.Actors.Clicks;

/// <summary>
/// An ad's target URL, taken apart once so that each click only joins the pieces. What a click fills in can't reach scheme or host (I6), and the
/// result is plain ASCII, fit for a Location header.
/// </summary>
public sealed class TargetUrl
{
    /// <summary>Longest URL that is accepted, in characters.</summary>
    public const int MaxLength = 2048;

    /// <summary>Longest URL that a click may be sent to: what common browsers and proxies take in a header.</summary>
    public const int MaxFilledLength = 8 * 1024;

    /// <summary>The query parameter that carries the click ID where the URL has no <c>{click_id}</c>.</summary>
    public const string ClickIdParameter = "adclid";

    private const int MaxMacroLength = 32; // the longest macro takes 13 characters; bounds the search for a closing brace
    private const string TimeFormat = "yyyy-MM-dd'T'HH'%3A'mm'%3A'ss'.'fff'Z'";
    private const int TimeLength = 28;

    private static readonly SearchValues<char> HostCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");

    // RFC 3986: unreserved, reserved and '%'. The rest is percent-encoded.
    private static readonly SearchValues<char> UrlCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%");

    private static readonly SearchValues<char> Unreserved =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

    private static readonly (string Name, Part Part)[] Macros =
    [
        ("click_id", Part.ClickId),
        ("impression_id", Part.ImpressionId),
        ("ad_id", Part.AdId),
        ("placement", Part.Placement),
        ("click_time", Part.ClickTime),
    ];

    private readonly Segment[] _segments;

    private TargetUrl(string text, Segment[] segments)
    {
        Text = text;
        _segments = segments;
    }

    private enum Part
    {
        Literal,
        ClickId,
        AppendedClickId, // "?adclid=", then the click ID; left out where there is none
        ImpressionId,
        AdId,
        Placement,
        ClickTime,
    }

    private readonly record struct Segment(Part Part, string Literal);

    /// <summary>The URL as it was given.</summary>
    public string Text { get; }

    /// <summary>Takes a URL apart.</summary>
    /// <param name="text">Absolute http or https URL, at most 2,048 characters, with macros only after the host.</param>
    /// <param name="url">The URL.</param>
    /// <param name="error">Otherwise a sentence that says what to change.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out TargetUrl? url, [NotNullWhen(false)] out string? error)
    {
        url = null;
        error = FindFault(text, out var restAt);
        if (error is not null)
        {
            return false;
        }

        var segments = new List<Segment>();
        error = Divide(text, restAt, segments);
        if (error is not null)
        {
            return false;
        }

        var longest = segments.Sum(LongestOf);
        if (longest > MaxFilledLength)
        {
            error = string.Create(
                CultureInfo.InvariantCulture,
                $"The URL could become {longest} characters long with its macros filled in and other characters percent-encoded; "
                + $"keep that within {MaxFilledLength}.");
            return false;
        }

        url = new TargetUrl(text, [.. segments]);
        return true;
    }

    /// <summary>The URL that a click is sent to.</summary>
    /// <param name="clickId">Signed click ID.</param>
    /// <param name="impression">The impression that was clicked.</param>
    /// <param name="adId">The ad.</param>
    /// <param name="placement">Where the ad was shown; null fills in nothing.</param>
    /// <param name="clickTimeMs">When the gateway took the request, Unix milliseconds; filled in as RFC 3339 in UTC with milliseconds.</param>
    public string Fill(string clickId, in ImpressionId impression, string adId, string? placement, long clickTimeMs) =>
        Build(Encode(clickId), impression, adId, placement, clickTimeMs);

    /// <summary>The URL that is shown where no click is counted: <c>{click_id}</c> is empty, and none is appended.</summary>
    public string FillWithoutClick(in ImpressionId impression, string adId, string? placement, long clickTimeMs) =>
        Build(null, impression, adId, placement, clickTimeMs);

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static string? FindFault(string? text, out int restAt)
    {
        restAt = 0;
        if (string.IsNullOrEmpty(text))
        {
            return "The URL is missing; give an absolute one such as https://example.com/offer.";
        }

        if (text.Length > MaxLength)
        {
            return string.Create(CultureInfo.InvariantCulture, $"The URL has {text.Length} characters; shorten it to at most {MaxLength}.");
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]) || char.IsControl(text[i]))
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"Character {i + 1} of the URL is white space or a control character; remove it, or write a space as %20.");
            }

            if (text[i] == '\\')
            {
                return string.Create(
                    CultureInfo.InvariantCulture, $"Character {i + 1} of the URL is a backslash, which browsers take for a slash; write / or %5C.");
            }

            if (char.IsSurrogate(text[i]))
            {
                if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                {
                    return string.Create(CultureInfo.InvariantCulture, $"Character {i + 1} of the URL is half a Unicode character; remove it.");
                }

                i++;
            }
        }

        var authorityAt = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8
            : text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7 : 0;
        if (authorityAt == 0)
        {
            return "The URL must be absolute and begin with https:// or http://.";
        }

        var length = text.AsSpan(authorityAt).IndexOfAny('/', '?', '#');
        restAt = length < 0 ? text.Length : authorityAt + length;
        return FindAuthorityFault(text[authorityAt..restAt]);
    }

    private static string? FindAuthorityFault(string authority)
    {
        if (authority.AsSpan().ContainsAny('{', '}', '%'))
        {
            return $"The host '{authority}' has a macro or percent sign in it; macros may stand only after the host, in path, query or fragment.";
        }

        if (authority.Contains('@', StringComparison.Ordinal))
        {
            return "The URL has a user name or password before its host; remove everything up to and including the @.";
        }

        var host = authority;
        var portAt = authority.LastIndexOf(':');
        if (portAt > authority.LastIndexOf(']'))
        {
            host = authority[..portAt];
            if (!ushort.TryParse(authority.AsSpan(portAt + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
            {
                return $"The port in '{authority}' must be a number from 1 to 65535.";
            }
        }

        if (host.Length == 0)
        {
            return "The URL has no host; write one after the two slashes, such as https://example.com/offer.";
        }

        if (!Ascii.IsValid(host))
        {
            return $"The host '{host}' has characters outside ASCII; write it in its ASCII form (xn--…).";
        }

        if (host[0] == '[')
        {
            return host[^1] == ']' && IPAddress.TryParse(host, out _) ? null : $"'{host}' is not an IPv6 address in square brackets.";
        }

        return host.AsSpan().ContainsAnyExcept(HostCharacters) || Uri.CheckHostName(host) == UriHostNameType.Unknown
            ? $"'{host}' is not a host name; it is made of letters, digits, hyphens and dots." : null;
    }

    /// <summary>Divides the URL at its macros, and puts the click ID to where it belongs. The error of an unknown macro, or null.</summary>
    private static string? Divide(string text, int restAt, List<Segment> segments)
    {
        var literal = new StringBuilder(text, 0, restAt, text.Length + 16);
        if (restAt == text.Length || text[restAt] != '/')
        {
            literal.Append('/');
        }

        var fragmentAt = text.IndexOf('#', restAt);
        fragmentAt = fragmentAt < 0 ? text.Length : fragmentAt;
        var appendAt = -1; // index of the segment before which a click ID is appended
        var hasClickId = false;
        for (var i = restAt; i <= text.Length;)
        {
            if (i == fragmentAt && appendAt < 0)
            {
                EndLiteral();
                appendAt = segments.Count;
            }

            if (i == text.Length)
            {
                break;
            }

            if (TryReadBrace(text, i, out var nameAt, out var close))
            {
                var end = text.AsSpan(nameAt, Math.Min(MaxMacroLength, text.Length - nameAt)).IndexOf(close, StringComparison.OrdinalIgnoreCase);
                var name = end > 0 ? text.Substring(nameAt, end) : "";
                var macro = Array.Find(Macros, macro => macro.Name == name);
                if (macro.Name is not null)
                {
                    EndLiteral();
                    segments.Add(new Segment(macro.Part, ""));
                    hasClickId |= macro.Part == Part.ClickId;
                    i = nameAt + end + close.Length;
                    continue;
                }

                // Only what is plainly meant as one: %7B…%7D and a lone brace may be anything's.
                if (close == "}" && name.Length > 0 && name.All(c => char.IsAsciiLetter(c) || c == '_'))
                {
                    return $"'{{{name}}}' is not a macro; the macros are {string.Join(", ", Macros.Select(known => $"{{{known.Name}}}"))}. "
                        + "Where braces are meant, write %7B and %7D.";
                }
            }

            if (UrlCharacters.Contains(text[i]))
            {
                // A second '#' would be no part of a URL.
                if (text[i] == '#' && i > fragmentAt)
                {
                    literal.Append("%23");
                }
                else
                {
                    literal.Append(text[i]);
                }

                i++;
            }
            else
            {
                var length = char.IsHighSurrogate(text[i]) ? 2 : 1;
                literal.Append(Uri.EscapeDataString(text.AsSpan(i, length)));
                i += length;
            }
        }

        EndLiteral();
        if (!hasClickId)
        {
            var queryAt = text.IndexOf('?', restAt, fragmentAt - restAt);
            var joint = queryAt < 0 ? "?" : text[fragmentAt - 1] is '?' or '&' ? "" : "&";
            segments.Insert(appendAt, new Segment(Part.AppendedClickId, joint + ClickIdParameter + "="));
        }

        return null;

        void EndLiteral()
        {
            if (literal.Length > 0)
            {
                segments.Add(new Segment(Part.Literal, literal.ToString()));
                literal.Clear();
            }
        }
    }

    private static bool TryReadBrace(string text, int at, out int nameAt, out string close)
    {
        var plain = text[at] == '{';
        nameAt = at + (plain ? 1 : 3);
        close = plain ? "}" : "%7D";
        return plain || string.Compare(text, at, "%7B", 0, 3, StringComparison.OrdinalIgnoreCase) == 0;
    }

    private static int LongestOf(Segment segment) => segment.Literal.Length + segment.Part switch
    {
        Part.ClickId or Part.AppendedClickId => SigningKeyRing.MaxClickIdLength,
        Part.ImpressionId => ImpressionId.TextLength,
        Part.AdId or Part.Placement => Ids.MaxLength,
        Part.ClickTime => TimeLength,
        _ => 0,
    };

    /// <summary>IDs and click IDs need no encoding; anything else that is handed in gets it.</summary>
    private static string Encode(string? value) =>
        value is null ? "" : value.AsSpan().ContainsAnyExcept(Unreserved) ? Uri.EscapeDataString(value) : value;

    private string Build(string? clickId, in ImpressionId impression, string adId, string? placement, long clickTimeMs)
    {
        var filling = new Filling(_segments, clickId, impression, Encode(adId), Encode(placement), clickTimeMs);
        return string.Create(filling.Length, filling, static (destination, filling) => filling.Write(destination));
    }

    private readonly struct Filling(Segment[] segments, string? clickId, ImpressionId impression, string adId, string placement, long clickTimeMs)
    {
        public int Length
        {
            get
            {
                var length = 0;
                foreach (var segment in segments)
                {
                    length += segment.Part switch
                    {
                        Part.Literal => segment.Literal.Length,
                        Part.ClickId => clickId?.Length ?? 0,
                        Part.AppendedClickId => clickId is null ? 0 : segment.Literal.Length + clickId.Length,
                        Part.ImpressionId => ImpressionId.TextLength,
                        Part.AdId => adId.Length,
                        Part.Placement => placement.Length,
                        _ => TimeLength,
                    };
                }

                return length;
            }
        }

        public void Write(Span<char> destination)
        {
            foreach (var segment in segments)
            {
                switch (segment.Part)
                {
                    case Part.Literal:
                        Put(segment.Literal, ref destination);
                        break;
                    case Part.ClickId:
                        Put(clickId, ref destination);
                        break;
                    case Part.AppendedClickId when clickId is not null:
                        Put(segment.Literal, ref destination);
                        Put(clickId, ref destination);
                        break;
                    case Part.ImpressionId:
                        impression.TryFormat(destination, out var written);
                        destination = destination[written..];
                        break;
                    case Part.AdId:
                        Put(adId, ref destination);
                        break;
                    case Part.Placement:
                        Put(placement, ref destination);
                        break;
                    case Part.ClickTime:
                        DateTimeOffset.FromUnixTimeMilliseconds(clickTimeMs)
                            .TryFormat(destination, out written, TimeFormat, CultureInfo.InvariantCulture);
                        destination = destination[written..];
                        break;
                }
            }
        }

        private static void Put(string? text, ref Span<char> destination)
        {
            text.AsSpan().CopyTo(destination);
            destination = destination[(text?.Length ?? 0)..];
        }
    }
}
