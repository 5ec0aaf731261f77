using System.Text;
using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Writes the requests of clicks. It signs the impressions' tokens itself, as an ad server does that doesn't ask AdClick for each impression. Everything of a
/// request but its token is encoded once.
/// </summary>
internal sealed class ClickRequests
{
    /// <summary>What a browser of these days calls itself; reduced as browsers reduce it.</summary>
    public const string BrowserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

    /// <summary>A declared bot.</summary>
    public const string BotAgent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

    private readonly SigningKeyRing _keys;
    private readonly ClickLedger _ledger;
    private readonly IReadOnlyList<string> _adIds;
    private readonly byte[] _browserTail;
    private readonly byte[] _botTail;

    /// <summary>Requests to one host.</summary>
    /// <param name="keys">Signs the tokens.</param>
    /// <param name="ledger">Holds the impressions.</param>
    /// <param name="adIds">IDs of the ledger's ads.</param>
    /// <param name="authority">Value of the Host header.</param>
    public ClickRequests(SigningKeyRing keys, ClickLedger ledger, IReadOnlyList<string> adIds, string authority)
    {
        _keys = keys;
        _ledger = ledger;
        _adIds = adIds;
        _browserTail = Tail(BrowserAgent);
        _botTail = Tail(BotAgent);
        MaxLength = "GET /c/".Length + SigningKeyRing.MaxTokenLength + Math.Max(_browserTail.Length, _botTail.Length);

        byte[] Tail(string userAgent) => Encoding.ASCII.GetBytes(
            $" HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {userAgent}\r\nReferer: https://news.example/today\r\nAccept: text/html\r\nAccept-Language: en-GB,en;q=0.8\r\n\r\n");
    }

    /// <summary>Length of the longest request, in bytes.</summary>
    public int MaxLength { get; }

    /// <summary>What the token of an impression says; read from the ledger by whoever may read it.</summary>
    public ImpressionToken Unsigned(int impression) =>
        new(_ledger.IdOf(impression), _ledger.ExpiresAtMs(impression), _adIds[_ledger.AdOf(impression)], _ledger.SubShardOf(impression), null);

    /// <summary>Path of a click URL.</summary>
    public string Path(in ImpressionToken token) => "/c/" + _keys.Sign(token);

    /// <summary>Writes the request and returns its length. Safe for several threads at once.</summary>
    public int Write(in ImpressionToken token, bool isBot, Span<byte> destination)
    {
        "GET /c/"u8.CopyTo(destination);
        var length = 7 + Encoding.ASCII.GetBytes(_keys.Sign(token), destination[7..]);
        var tail = isBot ? _botTail : _browserTail;
        tail.CopyTo(destination[length..]);
        return length + tail.Length;
    }
}
