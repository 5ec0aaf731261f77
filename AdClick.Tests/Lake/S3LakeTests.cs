using System.Net;
using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Lake.S3;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Lake;

/// <summary>A lake in a bucket, on a server that speaks S3.</summary>
[Collection(HeavyTests.Name)]
public sealed class S3LakeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [S3Fact]
    public async Task The_log_is_in_the_bucket_once_and_what_nobody_names_is_removed()
    {
        await using var server = await S3Server.StartAsync();
        using var lake = new S3Lake(server.Options);
        await using var fixture = new LakeFixture(2);
        for (var i = 0; i < 30; i++)
        {
            var ad = TestClick.AdIn(i % 2, 2);
            fixture.Log.Append(i % 2, TestClick.Start, TestClick.Record(ad, i, (ulong)i, TestClick.Start - (i % 3 * TestClick.Hour)));
        }

        var leftover = LakeFileName.New(LakeFileName.Clicks, 7, fixture.Log.Identity.Epoch, 1, 0, 7);
        var stranger = LakeFileName.New(LakeFileName.Clicks, 7, Guid.NewGuid(), 1, 0, 7);
        await lake.WriteAsync(leftover, new byte[] { 1 }, default);
        await lake.WriteAsync(stranger, new byte[] { 1 }, default);
        await using (var archive = fixture.Open(storage: lake))
        {
            await fixture.StartAsync(archive);
            await fixture.DrainAsync(archive);
        }

        var noted = await fixture.Store.FindLakeFilesAsync(fixture.Log.Identity.Epoch, null, 0, int.MaxValue, default);
        Assert.Equal(noted.Select(file => file.File.Name).Append(stranger).Select(name => "some/lake/" + name).Order(StringComparer.Ordinal), server.Objects);
        var rows = new List<(int, long)>();
        var reader = new LakeFileReader(lake);
        foreach (var file in noted)
        {
            var clicks = await reader.ReadAsync(file.File, stream => ClickRows.ReadAsync(stream, default), default);
            rows.AddRange(Enumerable.Range(0, clicks.Count).Select(row => (clicks.Partition, clicks[row].Logged.Offset)));
        }

        Assert.Equal(Enumerable.Range(0, 2).SelectMany(partition => Enumerable.Range(0, 15).Select(offset => (partition, (long)offset))), rows.Order());

        using var receipts = new ClickReceipts(
            fixture.Log, fixture.Store, fixture.Store, lake,
            new ReceiptSettings { ImpressionLifetime = TimeSpan.FromHours(24), AllowedLateness = TimeSpan.FromHours(4) }, TimeProvider.System);
        Assert.Equal(5, Assert.Single((await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(10)), default)).Clicks).Click.Logged.Offset);
    }

    [S3Fact]
    public async Task A_large_file_goes_in_parts_and_comes_back_whole()
    {
        await using var server = await S3Server.StartAsync();
        using var lake = new S3Lake(server.Options);
        var content = RandomNumberGenerator.GetBytes((server.Options.PartBytes * 2) + 17);
        await lake.WriteAsync("clicks/large", content, default);
        var stream = await lake.OpenReadAsync("clicks/large", default);
        await using (stream)
        {
            var read = new MemoryStream();
            await stream.CopyToAsync(read);
            Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
        }

        Assert.Equal(["clicks/large"], await lake.ListAsync("large", default));
        await lake.DeleteAsync("clicks/large", default);
        await lake.DeleteAsync("clicks/large", default);
        Assert.Empty(await lake.ListAsync("", default));
        await Assert.ThrowsAsync<FileNotFoundException>(() => lake.OpenReadAsync("clicks/large", default));
    }

    [S3Fact]
    public async Task A_listing_of_more_than_a_page_is_whole_and_shared_by_those_who_ask_together()
    {
        await using var server = await S3Server.StartAsync();
        using var lake = new S3Lake(server.Options with { PageKeys = 10 });
        for (var i = 0; i < 54; i++)
        {
            await lake.WriteAsync($"clicks/{i % 3}/{i % 2}-{i:D4}", new byte[] { 1 }, default);
        }

        var (even, odd) = (lake.ListAsync("0-", default), lake.ListAsync("1-", default));
        Assert.Equal((27, 27), ((await even).Distinct().Count(), (await odd).Distinct().Count()));
    }

    [S3Fact]
    public async Task While_the_server_is_away_the_archive_waits_says_so_and_goes_on_when_it_is_back()
    {
        await using var server = await S3Server.StartAsync();
        using var lake = new S3Lake(server.Options);
        await using var fixture = new LakeFixture();
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        await server.KillAsync();
        await using var archive = fixture.Open(storage: lake);
        await fixture.StartAsync(archive);
        while (true)
        {
            var change = archive.NextChange;
            if (archive.Notices.Count > 0)
            {
                break;
            }

            await change.WaitAsync(Patience);
        }

        var notice = Assert.Single(archive.Notices);
        Assert.Contains("s3://adclick/some/lake/ at http://127.0.0.1", notice, StringComparison.Ordinal);
        Assert.Contains("can't be reached", notice, StringComparison.Ordinal);
        Assert.Empty(server.Objects);

        await server.StartAgainAsync();
        await fixture.DrainAsync(archive);
        Assert.Single(server.Objects);
    }

    [S3Fact]
    public async Task A_refusal_names_the_bucket_and_no_secret()
    {
        await using var server = await S3Server.StartAsync();
        const string Secret = "the-wrong-secret-of-the-test";
        using var stranger = new S3Lake(server.Options with { AccessKeyId = "STRANGER", SecretAccessKey = Secret }); // s3rver tells keys by their IDs
        var refused = await Assert.ThrowsAsync<IOException>(() => stranger.WriteAsync("clicks/a", new byte[] { 1 }, default));
        Assert.Contains("s3://adclick/some/lake/", refused.Message, StringComparison.Ordinal);
        Assert.Contains("InvalidAccessKeyId", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, (server.Options with { SecretAccessKey = Secret }).ToString(), StringComparison.Ordinal);
        using var lost = new S3Lake(server.Options with { Bucket = "no-such-bucket" });
        Assert.Contains("NoSuchBucket", (await Assert.ThrowsAsync<IOException>(() => lost.WriteAsync("clicks/a", new byte[] { 1 }, default))).Message, StringComparison.Ordinal);
    }

    [S3Fact]
    public async Task A_node_archives_into_a_bucket_and_gives_receipts_from_it()
    {
        await using var server = await S3Server.StartAsync();
        var gateway = new BucketGateway(server);
        await gateway.StartAsync();
        try
        {
            await gateway.PutAdAsync("a1");
            using (var answer = await gateway.ClickAsync(await gateway.IssueAsync("a1")))
            {
                Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
                var clickId = answer.Headers.Location!.Query.Split("adclid=")[1];
                await gateway.UntilAsync(() => Task.FromResult(server.Objects.Count == 1), "the click in the bucket");
                await gateway.UntilAsync(
                    async () => (await gateway.Admin.GetStringAsync(new Uri($"/v1/clicks/{clickId}", UriKind.Relative))).Contains("\"file\":\"clicks/date=", StringComparison.Ordinal),
                    "a receipt from the bucket");
            }
        }
        finally
        {
            await gateway.DisposeAsync();
        }
    }

    private sealed class BucketGateway(S3Server server) : RunningGateway
    {
        protected override IEnumerable<string> Settings =>
        [
            "--AdClick:Lake:Storage=s3", $"--AdClick:Lake:S3:Bucket={S3Server.Bucket}", $"--AdClick:Lake:S3:Endpoint={server.Endpoint}", "--AdClick:Lake:S3:Prefix=node",
            $"--AdClick:Lake:S3:AccessKeyId={S3Server.Key}", $"--AdClick:Lake:S3:SecretAccessKey={S3Server.Key}", "--AdClick:Lake:S3:PathStyle=true", "--AdClick:Lake:MaxAge=00:00:01",
        ];
    }
}
