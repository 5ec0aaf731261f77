using System.Net;
using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace AdClick.Tests.Lake;

/// <summary>The archive of a click log on Kafka.</summary>
public sealed class LakeOnKafkaTests : IAsyncLifetime
{
    private const int Partitions = 3;

    private readonly KafkaCluster _kafka = new();
    private readonly TestFolder _folder = new();

    public Task InitializeAsync() => _kafka.InitializeAsync();

    public async Task DisposeAsync()
    {
        await _kafka.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_node_archives_every_click_of_its_topic_once_also_over_a_restart()
    {
        var topic = await _kafka.CreateTopicAsync(Partitions);
        var gateway = new KafkaGateway(_folder["node"], _kafka, topic) { Partitions = Partitions, MoreSettings = ["--AdClick:Lake:MaxAge=00:00:01", $"--AdClick:Lake:Folder={_folder["lake"]}"] };
        string[] ads = ["a1", "a2", "a3", "a4", "a5"];
        await gateway.StartAsync();
        foreach (var ad in ads)
        {
            await gateway.PutAdAsync(ad);
        }

        var clickId = await ClickAllAsync(6);
        await gateway.UntilAsync(() => Task.FromResult(LakeReader.Clicks(_folder["lake"]).Count == 30), "the first clicks in the lake");
        await ClickAllAsync(2); // of these, a part may be archived before the node stops, and the rest after
        await gateway.StopAsync();
        await gateway.StartAsync();
        await ClickAllAsync(1);
        await gateway.UntilAsync(() => Task.FromResult(LakeReader.Clicks(_folder["lake"]).Count == 45), "all clicks in the lake");
        await gateway.UntilAsync(
            async () => (await gateway.Admin.GetStringAsync(new Uri($"/v1/clicks/{clickId}", UriKind.Relative))).Contains("\"outcome\":\"accepted\"", StringComparison.Ordinal),
            "the receipt of the first click");
        await gateway.StopAsync();

        await using var log = await OpenAsync(topic);
        var ends = new long[Partitions];
        for (var partition = 0; partition < Partitions; partition++)
        {
            ends[partition] = (await log.FindRangeAsync(partition, default)).End;
        }

        var (clicks, rejected) = await LakeReader.ExpectAsync(log, partition => ends[partition]);
        Assert.Empty(rejected);
        Assert.Equal(45, clicks.Count);
        Assert.Equal(clicks, LakeReader.Clicks(_folder["lake"]));

        async Task<string> ClickAllAsync(int times)
        {
            var last = "";
            foreach (var ad in Enumerable.Repeat(ads, times).SelectMany(each => each))
            {
                using var answer = await gateway.ClickAsync(await gateway.IssueAsync(ad));
                Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
                last = answer.Headers.Location!.Query.Split("adclid=")[1];
            }

            return last;
        }
    }

    [MockKafkaFact]
    public async Task Records_that_the_topic_let_go_of_are_named_and_passed_over_when_a_person_says_so()
    {
        const int Records = 1_200; // of 7 KB, while the mock keeps 5 MiB of a partition
        await using var log = await OpenAsync(await _kafka.CreateTopicAsync(1), partitions: 1);
        await using var store = SqliteMetricsStore.Open(_folder["metrics.db"], TimeProvider.System);
        var acquired = await store.AcquireAsync(log.Identity, 0, default);
        await using (var archive = Open(log, store, LakeFixture.Fast))
        {
            await archive.PrepareAsync(acquired, await log.FindRangeAsync(0, default), default);
        }

        await Task.WhenAll(Enumerable.Range(0, Records).Select(i => log.AppendAsync(0, "ad/0"u8, LargeRecord(i)))).WithPatience("all records to be confirmed");
        var range = await log.FindRangeAsync(0, default);
        Assert.True(range.Begin > 0 && range.End >= Records, $"{range}");

        await using (var waiting = Open(log, store, LakeFixture.Fast))
        {
            waiting.Start(acquired);
            while (true)
            {
                var change = waiting.NextChange;
                if (waiting.Notices.Count > 0)
                {
                    break;
                }

                await change.WithPatience("the archive to say what it waits for");
            }

            Assert.Contains($"no longer holds offsets [0, {range.Begin})", Assert.Single(waiting.Notices), StringComparison.Ordinal);
        }

        await using (var going = Open(log, store, LakeFixture.Fast with { SkipLostClicks = true, MaxRows = 200 }))
        {
            going.Start(acquired);
            await going.DrainAsync([range], _ => { }, default).WithPatience("the rest to be archived");
        }

        Assert.Equal([new LakeGap(0, 0, range.Begin)], await store.ListLakeGapsAsync(log.Identity.Epoch, default));
        Assert.Equal(
            Enumerable.Range((int)range.Begin, (int)(range.End - range.Begin)).Select(offset => (long)offset), LakeReader.Clicks(_folder["lake"]).Select(click => click.Offset));
    }

    private LakeArchive Open(KafkaClickLog log, SqliteMetricsStore store, LakeSettings settings) =>
        new(log, store, new FolderLake(_folder["lake"]), settings, TimeProvider.System, NullLogger.Instance);

    private async Task<KafkaClickLog> OpenAsync(string topic, int partitions = Partitions)
    {
        var options = _kafka.Options(topic, partitions) with { SpoolFolder = _folder["spool"] };
        return await KafkaClickLog.OpenAsync(options, Directory.CreateDirectory(_folder["log"]).FullName, TimeSpan.FromHours(1), TimeProvider.System);
    }

    private static byte[] LargeRecord(int number)
    {
        var impression = TestClick.Impression(number);
        return new LogRecord
        {
            Click = new Click
            {
                Nonce = (ulong)number,
                ImpressionHigh = impression.High,
                ImpressionLow = impression.Low,
                ExpiresAtMs = TestClick.Start + TestClick.Hour,
                AdId = "ad",
                ClickTimeMs = TestClick.Start,
                UserAgent = RandomNumberGenerator.GetHexString(7_000),
            },
        }.ToByteArray();
    }
}
