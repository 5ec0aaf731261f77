using System.Diagnostics;
using System.Numerics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Counting;

/// <summary>Fills a click log with clicks as a gateway writes them, and knows what their counts must be.</summary>
internal sealed class LogFiller
{
    private const int Pending = 20_000; // appends that may wait for the log at once

    private readonly IReadOnlyList<string> _ids;
    private readonly int _ads;
    private readonly ClickLedger _ledger;
    private readonly ClickSource _source;
    private readonly SeededRandom _random;
    private readonly int[] _subShards;
    private readonly byte[] _record = new byte[ClickRecordWriter.MaxBytes];

    /// <summary>A filler that has written nothing yet.</summary>
    /// <param name="ads">Number of ads.</param>
    /// <param name="mix">What the clicks are like.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="maxShare">Ads with a greater share of the clicks are hot: split, so that no sub-shard has more. Default 1: none is.</param>
    public LogFiller(int ads, ClickMix mix, ulong seed, double maxShare = 1)
    {
        _ads = ads;
        _ids = new LoadAds(ads, "").Ids;
        _ledger = new ClickLedger(_ids.Count);
        _source = new ClickSource(_ledger, ads, mix, seed);
        _random = new SeededRandom(~seed);
        var weights = Enumerable.Range(1, ads).Select(rank => Math.Pow(rank, -mix.Skew)).ToArray();
        var most = maxShare * weights.Sum();
        _subShards =
        [
            .. weights.TakeWhile(weight => weight > most)
                .Select(weight => Math.Min(AdKey.MaxSubShards, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Ceiling(weight / most)))),
        ];
    }

    /// <summary>What the counts of all that was written must be.</summary>
    public ExpectedClicks Expected => _ledger.ExpectInAll();

    /// <summary>Fills an embedded log.</summary>
    /// <param name="folder">Folder whose log gets the clicks.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="clicks">Number of clicks.</param>
    /// <param name="firstEachAd">Whether each ad is clicked once before the others are drawn, so that all of them have an actor.</param>
    /// <param name="mix">What the clicks are like.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="progress">Takes a line.</param>
    /// <param name="maxShare">Ads with a greater share of the clicks are split. Default 1: none is.</param>
    /// <returns>What the counts must be.</returns>
    public static async Task<ExpectedClicks> FillAsync(
        CountingFolder folder, int ads, long clicks, bool firstEachAd, ClickMix mix, ulong seed, TextWriter progress, double maxShare = 1)
    {
        var started = Stopwatch.GetTimestamp();
        await using var log = EmbeddedClickLog.Open(folder.ClickLog, CountingFolder.Partitions, TimeProvider.System);
        var filler = new LogFiller(ads, mix, seed, maxShare);
        await filler.AppendAsync(log, clicks, firstEachAd);
        progress.WriteLine(FormattableString.Invariant(
            $"{clicks:N0} clicks of {ads:N0} ads written to the log in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s."));
        return filler.Expected;
    }

    /// <summary>Appends clicks, and waits until they are durable.</summary>
    /// <param name="log">Gets them.</param>
    /// <param name="clicks">How many.</param>
    /// <param name="firstEachAd">Whether each ad is clicked once before the others are drawn.</param>
    /// <param name="maxPerPartition">Stops when a partition has got so many of them.</param>
    /// <returns>Number of clicks appended.</returns>
    public async Task<long> AppendAsync(IClickLog log, long clicks, bool firstEachAd, int maxPerPartition = int.MaxValue)
    {
        var inPartition = new int[log.Identity.Partitions];
        var pending = new HashSet<Task>(); // many clicks share one
        long click = 0;
        for (var fullest = 0; click < clicks && fullest < maxPerPartition; click++)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            var (impression, isBot) = firstEachAd && click < _ads ? (_source.Issue((int)click, now), false) : _source.Next(now);
            _ledger.BookRedirect(impression, isBot);
            var record = Record(impression, isBot, now);
            var partition = record.Ad.Partition(inPartition.Length);
            pending.Add(Append(log, partition, record));
            fullest = Math.Max(fullest, ++inPartition[partition]);
            if (click % Pending == Pending - 1)
            {
                await Task.WhenAll(pending);
                pending.Clear();
            }
        }

        await Task.WhenAll(pending);
        return click;
    }

    private AdKey AdOf(int impression)
    {
        var ad = _ledger.AdOf(impression);
        return new AdKey(_ids[ad], ad < _subShards.Length ? _ledger.IdOf(impression).SubShard(_subShards[ad]) : 0);
    }

    private ClickRecord Record(int impression, bool isBot, long now) => new()
    {
        Nonce = _random.NextBits(),
        Impression = _ledger.IdOf(impression),
        ExpiresAtMs = _ledger.ExpiresAtMs(impression),
        Ad = AdOf(impression),
        ClickTimeMs = now,
        Verdict = isBot ? ClickVerdict.Bot : ClickVerdict.Valid,
        UserAgent = isBot ? ClickRequests.BotAgent : ClickRequests.BrowserAgent,
        ClientNetwork = "203.0.113.0/24",
        ReferrerHost = "news.example",
        Language = "en-GB",
        Gateway = "benchmark",
    };

    private Task Append(IClickLog log, int partition, in ClickRecord click)
    {
        Span<byte> key = stackalloc byte[Ids.MaxLength + 4];
        var length = ClickRecordWriter.Write(click, _record);
        return log.AppendAsync(partition, key[..click.Ad.WriteUtf8(key)], _record.AsSpan(0, length));
    }
}
