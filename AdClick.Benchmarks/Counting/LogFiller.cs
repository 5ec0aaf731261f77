using System.Diagnostics;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Counting;

/// <summary>Fills an embedded click log with clicks as a gateway writes them.</summary>
internal static class LogFiller
{
    private const int Pending = 20_000; // appends that may wait for the disk at once

    /// <summary>Appends clicks, and gives what their counts must be.</summary>
    /// <param name="folder">Folder whose log gets them.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="clicks">Number of clicks.</param>
    /// <param name="firstEachAd">Whether each ad is clicked once before the others are drawn, so that all of them have an actor.</param>
    /// <param name="mix">What the clicks are like.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="progress">Takes a line.</param>
    public static async Task<ExpectedClicks> FillAsync(
        CountingFolder folder, int ads, long clicks, bool firstEachAd, ClickMix mix, ulong seed, TextWriter progress)
    {
        var started = Stopwatch.GetTimestamp();
        await using var log = EmbeddedClickLog.Open(folder.ClickLog, CountingFolder.Partitions, TimeProvider.System);
        var ids = new LoadAds(ads, "").Ids;
        var ledger = new ClickLedger(ids.Count);
        var source = new ClickSource(ledger, ads, mix, seed);
        var random = new SeededRandom(~seed);
        var record = new byte[ClickRecordWriter.MaxBytes];
        var appended = Task.CompletedTask;
        for (long click = 0; click < clicks; click++)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            var (impression, isBot) = firstEachAd && click < ads ? (source.Issue((int)click, now), false) : source.Next(now);
            ledger.BookRedirect(impression, isBot);
            appended = Append(log, Record(ledger, ids, impression, isBot, random.NextBits(), now), record);
            if (click % Pending == Pending - 1)
            {
                await appended;
            }
        }

        await appended;
        progress.WriteLine(FormattableString.Invariant(
            $"{clicks:N0} clicks of {ads:N0} ads written to the log in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s."));
        return ledger.ExpectInAll();
    }

    private static ClickRecord Record(ClickLedger ledger, IReadOnlyList<string> ids, int impression, bool isBot, ulong nonce, long now) => new()
    {
        Nonce = nonce,
        Impression = ledger.IdOf(impression),
        ExpiresAtMs = ledger.ExpiresAtMs(impression),
        Ad = new AdKey(ids[ledger.AdOf(impression)], 0),
        ClickTimeMs = now,
        Verdict = isBot ? ClickVerdict.Bot : ClickVerdict.Valid,
        UserAgent = isBot ? ClickRequests.BotAgent : ClickRequests.BrowserAgent,
        ClientNetwork = "203.0.113.0/24",
        ReferrerHost = "news.example",
        Language = "en-GB",
        Gateway = "benchmark",
    };

    private static Task Append(EmbeddedClickLog log, in ClickRecord click, byte[] buffer)
    {
        Span<byte> key = stackalloc byte[Ids.MaxLength + 4];
        var length = ClickRecordWriter.Write(click, buffer);
        return log.AppendAsync(click.Ad.Partition(CountingFolder.Partitions), key[..click.Ad.WriteUtf8(key)], buffer.AsSpan(0, length));
    }
}
