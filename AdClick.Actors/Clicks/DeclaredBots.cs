using System.Buffers;
using System.Text.RegularExpressions;

namespace AdClick.Actors.Clicks;

/// <summary>
/// Tells declared bots, and what is no browser, by the user agent: by the list of npm package crawler-user-agents (Bots/crawlers.txt, brought up
/// to date by Bots/update.sh) and a short one of our own (Bots/own.txt, with reasons). Who lies about the user agent is not found here. Safe for
/// use by many threads.
/// </summary>
public sealed partial class DeclaredBots
{
    /// <summary>As much of a user agent is looked at, in characters; as much as a click record keeps.</summary>
    public const int MaxLength = ClickRecordWriter.MaxUserAgentLength;

    private const int CacheSize = 4096; // a power of two; at most 4 MiB of user agents

    private readonly string[] _browsers;
    private readonly SearchValues<string> _literals;
    private readonly Regex _patterns;

    // User agents repeat. One that is new takes the place of whichever stood there, so that a flood of unique ones costs the others their place for a
    // while, but neither memory nor more time than the full test; string.GetHashCode is seeded at random, so that places can't be aimed at.
    private readonly Verdict?[] _cache = new Verdict?[CacheSize];

    private DeclaredBots(string[] browsers, List<string> literals, List<string> patterns)
    {
        _browsers = browsers;
        _literals = SearchValues.Create([.. literals], StringComparison.Ordinal);
        _patterns = new Regex(
            string.Join('|', patterns.Select(pattern => $"(?:{pattern})")), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private sealed record Verdict(string UserAgent, bool IsBot);

    /// <summary>Reads the lists that are part of the program.</summary>
    /// <exception cref="InvalidDataException">A line of own.txt does not fit; says which.</exception>
    public static DeclaredBots Load() => Create(ReadLines("crawlers.txt"), ReadLines("own.txt"));

    /// <summary>Reads the list of crawlers that is part of the program, and other lines in place of own.txt.</summary>
    /// <param name="own">Lines of the form that own.txt has; comments may be among them.</param>
    /// <exception cref="InvalidDataException">A line does not fit; says which.</exception>
    public static DeclaredBots LoadWith(IEnumerable<string> own) => Create(ReadLines("crawlers.txt"), own.Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal)));

    /// <summary>Whether a click with this User-Agent header is no person's; a missing or empty one isn't.</summary>
    public bool IsBot(string? userAgent)
    {
        if (string.IsNullOrEmpty(userAgent))
        {
            return true;
        }

        if (userAgent.Length > MaxLength)
        {
            return Judge(userAgent.AsSpan(0, MaxLength)); // rare, and not worth the memory
        }

        ref var place = ref _cache[userAgent.GetHashCode() & (CacheSize - 1)];
        var verdict = Volatile.Read(ref place);
        if (verdict is null || verdict.UserAgent != userAgent)
        {
            verdict = new Verdict(userAgent, Judge(userAgent));
            Volatile.Write(ref place, verdict);
        }

        return verdict.IsBot;
    }

    /// <summary>Combines the lines of crawlers.txt and own.txt.</summary>
    internal static DeclaredBots Create(IEnumerable<string> crawlers, IEnumerable<string> own)
    {
        var bots = crawlers.ToHashSet();
        var browsers = new List<string>();
        foreach (var line in own)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var value = line[(space + 1)..];
            switch (line[..Math.Max(space, 0)])
            {
                case "browser":
                    browsers.Add(value);
                    break;
                case "bot":
                    bots.Add(value);
                    break;
                case "person" when bots.Remove(value):
                    break;
                case "person":
                    throw new InvalidDataException(
                        $"own.txt takes out the pattern '{value}', which is not in crawlers.txt any more; correct or remove the line.");
                default:
                    throw new InvalidDataException($"The line '{line}' of own.txt must begin with 'browser', 'bot' or 'person' and a space.");
            }
        }

        // Nearly all patterns are plain texts, which are found all at once; the others go into one automaton. Both take linear time, whatever
        // the input.
        var literals = new List<string>();
        var patterns = new List<string>();
        foreach (var bot in bots)
        {
            if (PlainText().IsMatch(bot))
            {
                literals.Add(EscapedCharacter().Replace(bot, "$1"));
            }
            else
            {
                patterns.Add(bot);
            }
        }

        return new DeclaredBots([.. browsers], literals, patterns);
    }

    /// <summary>The verdict without the cache. 1 to 3 µs.</summary>
    internal bool Judge(ReadOnlySpan<char> userAgent) =>
        !BeginsAsBrowser(userAgent) || userAgent.ContainsAny(_literals) || _patterns.IsMatch(userAgent);

    [GeneratedRegex(@"^(?:[^\\^$.|?*+()\[\]{}]|\\[^A-Za-z0-9])+$", RegexOptions.CultureInvariant)]
    private static partial Regex PlainText();

    [GeneratedRegex(@"\\(.)", RegexOptions.CultureInvariant)]
    private static partial Regex EscapedCharacter();

    private static List<string> ReadLines(string file)
    {
        using var stream = typeof(DeclaredBots).Assembly.GetManifestResourceStream(typeof(DeclaredBots), $"Bots.{file}")
            ?? throw new InvalidOperationException($"The list {file} was not built into the program.");
        using var reader = new StreamReader(stream);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            // No trimming: "webmon " is a pattern with a space at its end.
            if (line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal))
            {
                lines.Add(line);
            }
        }

        return lines;
    }

    private bool BeginsAsBrowser(ReadOnlySpan<char> userAgent)
    {
        foreach (var browser in _browsers)
        {
            if (userAgent.StartsWith(browser, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
