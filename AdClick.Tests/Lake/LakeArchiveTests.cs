using System.Globalization;
using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using FsCheck.Xunit;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Lake;

public sealed class LakeArchiveTests
{
    private const int Partitions = 2;

    [Property(MaxTest = 8)]
    public async Task Any_log_cut_anywhere_is_in_the_lake_once(ClickSpec[] specs, byte maxRows, byte restarts)
    {
        await using var fixture = new LakeFixture(Partitions);
        var log = ClickSpec.WriteLog(specs, Partitions);
        var parts = (restarts % 3) + 1;
        for (var part = 0; part < parts; part++)
        {
            for (var partition = 0; partition < Partitions; partition++)
            {
                var records = log[partition];
                foreach (var (appendTimeMs, record) in records.Take((records.Count * part / parts)..(records.Count * (part + 1) / parts)))
                {
                    fixture.Log.Append(partition, appendTimeMs, record);
                }
            }

            await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1 + (maxRows % 40) });
        }

        await fixture.AssertIsTheLogAsync();
    }

    [Fact]
    public async Task A_click_is_there_with_all_that_its_record_says()
    {
        await using var fixture = new LakeFixture();
        var impression = TestClick.Impression(5, 3);
        var click = new Click
        {
            Nonce = ulong.MaxValue - 1,
            ImpressionHigh = impression.High,
            ImpressionLow = impression.Low,
            ExpiresAtMs = TestClick.Start + TestClick.Hour,
            AdId = "ad1",
            SubShard = 3,
            ClickTimeMs = TestClick.Start,
            Verdict = ClickVerdict.Bot,
            Placement = "top",
            UserAgent = "Mozilla/5.0 (\u00e9t\u00e9; \U0001f600)",
            ClientNetwork = "203.0.113.0/24",
            ReferrerHost = "news.example",
            Language = "pt-BR",
            Gateway = "g1",
        };
        fixture.Log.Append(0, TestClick.Start + 7, new LogRecord { Click = click }.ToByteArray());
        click.UserAgent = "";
        fixture.Log.Append(0, TestClick.Start + 8, new LogRecord { Click = click }.ToByteArray());
        await fixture.ArchiveAllAsync();

        await fixture.AssertIsTheLogAsync();
        var texts = LakeReader.Read(
            fixture.Lake,
            "clicks",
            "SELECT concat_ws('|', log, nonce, placement, user_agent, client_network, referrer_host, language, gateway, verdict, sub_shard) FROM {0} ORDER BY \"offset\"",
            row => row.GetString(0));
        Assert.Equal(
            [
                $"{fixture.Log.Identity.Epoch}|-2|top|Mozilla/5.0 (\u00e9t\u00e9; \U0001f600)|203.0.113.0/24|news.example|pt-BR|g1|bot|3",
                $"{fixture.Log.Identity.Epoch}|-2|top|203.0.113.0/24|news.example|pt-BR|g1|bot|3", // concat_ws passes over what is null
            ],
            texts);
    }

    [Fact]
    public async Task All_files_of_a_cut_end_at_one_offset_and_the_cuts_follow_one_another()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 33; i++)
        {
            // Every third click is an hour late, so that a cut has files in two hours.
            var time = TestClick.Start + (i % 3 == 0 ? -TestClick.Hour : 0);
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, time));
        }

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 10 });

        await fixture.AssertIsTheLogAsync();
        Assert.Equal(
            [(0L, 9L), (10L, 19L), (20L, 29L), (30L, 32L)],
            fixture.Files.Select(Range).GroupBy(range => range).Where(group => group.Count() == 2).Select(group => group.Key).Order());
        Assert.Equal(8, fixture.Files.Length);
    }

    [Fact]
    public async Task A_cut_ends_when_it_has_enough_bytes()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 20_000; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, TestClick.Start));
        }

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1_000_000, MaxBytes = 1000 });

        await fixture.AssertIsTheLogAsync();
        Assert.Equal([8191L, 16383L, 19999L], fixture.Files.Select(file => Range(file).Last).Order()); // by whole batches of the log
    }

    [Fact]
    public async Task Clicks_wait_for_a_full_cut_or_the_greatest_age()
    {
        await using var fixture = new LakeFixture();
        await using var archive = fixture.Open(LakeFixture.Fast with { MaxRows = 10, MaxAge = TimeSpan.FromDays(1) });
        await fixture.StartAsync(archive);
        for (var i = 0; i < 25; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, TestClick.Start));
        }

        // Two full cuts come by themselves; the rest comes with its age, which a drain does not wait for.
        await UntilAsync(archive, () => archive.KeepFrom(0) == 20, "two cuts");
        Assert.Equal(2, fixture.Files.Length);
        await fixture.DrainAsync(archive);
        Assert.Equal(25, archive.KeepFrom(0));

        await using var aged = new LakeFixture();
        await using var impatient = aged.Open(LakeFixture.Fast with { MaxRows = 1000, MaxAge = TimeSpan.FromMilliseconds(5) });
        await aged.StartAsync(impatient);
        aged.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        await UntilAsync(impatient, () => impatient.KeepFrom(0) == 1, "a cut by age");
    }

    [Fact]
    public async Task The_store_knows_size_and_hash_of_each_file()
    {
        await using var fixture = new LakeFixture();
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        fixture.Log.Append(0, TestClick.Start, [0xff]);
        await fixture.ArchiveAllAsync();

        Assert.Equal(2, fixture.Files.Length);
        foreach (var file in fixture.Files)
        {
            var bytes = await File.ReadAllBytesAsync(fixture.Storage.PathOf(file));
            var known = await fixture.Store.RunOnWriterAsync(database => database.ReadInt64(
                $"SELECT count(*) FROM lake_files WHERE name = '{file}' AND bytes = {bytes.Length} AND \"rows\" = 1 AND hour = {TestClick.Start / TestClick.Hour} "
                + $"AND first_offset = 0 AND end_offset = 2 AND sha256 = x'{Convert.ToHexString(SHA256.HashData(bytes))}'"));
            Assert.Equal(1, known);
        }
    }

    [Fact]
    public async Task What_an_owner_before_us_still_writes_is_never_noted_and_is_removed()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 10; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, TestClick.Start));
        }

        // The first owner is frozen in the midst of a write; another one takes over and archives all.
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var frozen = new FrozenLake(fixture.Storage, gate.Task);
        await using (var former = fixture.Open(storage: frozen))
        {
            await fixture.StartAsync(former);
            _ = fixture.DrainAsync(former);
            await frozen.IsWriting.WaitAsync(TimeSpan.FromMinutes(2));
            await fixture.ArchiveAllAsync();
            await fixture.AssertIsTheLogAsync();
            gate.SetResult();
            await UntilAsync(former, () => former.Lags.Count == 0, "the end of the owner that was frozen");
            Assert.Equal(3, fixture.Files.Length);
        }

        await fixture.ArchiveAllAsync();
        await fixture.AssertIsTheLogAsync();
    }

    [Fact]
    public async Task What_is_left_of_other_partitions_and_logs_is_not_touched()
    {
        await using var fixture = new LakeFixture();
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        string[] others =
        [
            LakeFileName.New(LakeFileName.Clicks, 1, fixture.Log.Identity.Epoch, 1, 0, 5),
            LakeFileName.New(LakeFileName.Clicks, 1, Guid.NewGuid(), 0, 0, 5),
        ];
        var own = LakeFileName.New(LakeFileName.Clicks, 1, fixture.Log.Identity.Epoch, 0, 0, 5);
        foreach (var name in (string[])[.. others, own])
        {
            await fixture.Storage.WriteAsync(name, new byte[5], default);
        }

        await fixture.ArchiveAllAsync();

        Assert.Equal(others.Order(), fixture.Files.Where(file => file.Contains("1970", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Where_the_log_has_let_go_of_records_the_archive_waits_unless_it_may_skip_them()
    {
        await using var fixture = new LakeFixture();
        await using (var archive = fixture.Open())
        {
            await fixture.StartAsync(archive); // begins at 0
        }

        for (var i = 0; i < 10; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, TestClick.Start));
        }

        fixture.Log.Checkpointed(0, 4, long.MaxValue, DateTimeOffset.MaxValue);
        await using (var archive = fixture.Open())
        {
            await fixture.StartAsync(archive);
            await UntilAsync(archive, () => archive.Notices.Count == 1, "the archive to say that it waits");
            Assert.Contains("[0, 4)", archive.Notices[0], StringComparison.Ordinal);
            Assert.Contains("AdClick:SkipLostClicks", archive.Notices[0], StringComparison.Ordinal);
            Assert.Empty(fixture.Files);
        }

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { SkipLostClicks = true });
        Assert.Equal(Enumerable.Range(4, 6).Select(i => (long)i), LakeReader.Clicks(fixture.Lake).Select(click => click.Offset));
        Assert.Equal(1, await fixture.Store.RunOnWriterAsync(database =>
            database.ReadInt64("SELECT count(*) FROM lake_gaps WHERE partition = 0 AND first_offset = 0 AND end_offset = 4")));
    }

    [Fact]
    public async Task A_log_that_is_no_longer_whole_when_the_archive_begins_is_archived_from_where_it_is_counted_to()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 10; i++)
        {
            fixture.Log.Append(0, TestClick.Start + i, TestClick.Record("ad", i, (ulong)i, TestClick.Start + i));
        }

        fixture.Log.Checkpointed(0, 4, long.MaxValue, DateTimeOffset.MaxValue);
        var acquired = await fixture.Store.AcquireAsync(fixture.Log.Identity, 0, default);
        await fixture.Store.FlushAsync(
            new PartitionFlush { Progress = acquired with { FlushedOffset = 6, ClockMs = TestClick.Start + 5 }, Counts = [], LateClicks = [], Rejected = [] }, default);
        await fixture.ArchiveAllAsync();

        var clicks = LakeReader.Clicks(fixture.Lake);
        Assert.Equal([6L, 7L, 8L, 9L], clicks.Select(click => click.Offset));
        Assert.Equal(TestClick.Start + 5, clicks[0].ClockMs);
    }

    private static (long First, long Last) Range(string file)
    {
        var parts = Path.GetFileName(file).Split('-');
        return (long.Parse(parts[2], CultureInfo.InvariantCulture), long.Parse(parts[3], CultureInfo.InvariantCulture));
    }

    private static async Task UntilAsync(LakeArchive archive, Func<bool> condition, string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var change = archive.NextChange;
            if (condition())
            {
                return;
            }

            try
            {
                await change.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited 2 min for {what}.", e);
            }
        }
    }

    /// <summary>A lake whose writes wait.</summary>
    private sealed class FrozenLake(ILakeStorage lake, Task gate) : ILakeStorage
    {
        private readonly TaskCompletionSource _isWriting = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task IsWriting => _isWriting.Task;

        public string Place => lake.Place;

        public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            _isWriting.TrySetResult();
            await gate;
            await lake.WriteAsync(name, content, CancellationToken.None);
        }

        public Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken) => lake.OpenReadAsync(name, cancellationToken);

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => lake.ListAsync(prefix, cancellationToken);

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => lake.DeleteAsync(name, cancellationToken);
    }
}
