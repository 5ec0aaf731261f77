using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Receipts;
using AdClick.Tests.Partitions;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Lake.Receipts;

public sealed class ClickReceiptsTests
{
    private const int Partitions = 2;

    private static readonly string Ad = TestClick.AdIn(0, Partitions);
    private static readonly AdKey Key = new(Ad, 0);

    /// <summary>Wherever the archive has stopped and cuts fell, receipts from lake and log together say what the counting rule says.</summary>
    [Property(MaxTest = 12, EndSize = 120)]
    public async Task Receipts_say_what_the_rule_says_wherever_the_archive_stands(ClickSpec[] specs, byte archived)
    {
        var written = ClickSpec.WriteLog(specs, Partitions);
        await using var fixture = new LakeFixture(Partitions);
        Append(fixture, written, records => records.Count * archived / 255);
        await fixture.ArchiveAllAsync();
        Append(fixture, written, records => records.Count);

        var receipts = Receipts(fixture, latenessMs: ClickSpec.AllowedLatenessMs);
        var expected = new Dictionary<(AdKey, ImpressionId), List<(int, long, ClickOutcome)>>();
        for (var partition = 0; partition < Partitions; partition++)
        {
            var naive = new NaiveCount(partition, Partitions, ClickSpec.AllowedLatenessMs);
            foreach (var (offset, (appendTimeMs, record)) in written[partition].Index())
            {
                if (naive.Apply(appendTimeMs, record) is { } outcome)
                {
                    var click = LogRecord.Parser.ParseFrom(record).Click;
                    var key = (new AdKey(click.AdId, (int)click.SubShard), new ImpressionId(click.ImpressionHigh, click.ImpressionLow));
                    (expected.TryGetValue(key, out var list) ? list : expected[key] = []).Add((partition, offset, outcome));
                }
            }
        }

        foreach (var ((ad, impression), clicks) in expected)
        {
            var receipt = await receipts.FindAsync(new ReceiptQuestion(impression) { Ad = ad, ClickTimeMs = TestClick.Start + (5 * TestClick.Hour) }, default);
            Assert.Equal(clicks, receipt.Clicks.Select(click => (click.Click.Partition, click.Click.Logged.Offset, click.Outcome)));
            Assert.Empty(receipt.Missing);
        }
    }

    [Fact]
    public async Task An_impression_ID_alone_is_looked_for_in_all_partitions_an_ad_narrows_that()
    {
        await using var fixture = new LakeFixture(Partitions);
        var other = TestClick.AdIn(1, Partitions);
        fixture.Log.Append(0, TestClick.Start, TestClick.Record(Ad, 1, 1, TestClick.Start));
        fixture.Log.Append(1, TestClick.Start, TestClick.Record(other, 1, 2, TestClick.Start, expiresAtMs: TestClick.Start + TestClick.Hour));
        await fixture.ArchiveAllAsync();
        var receipts = Receipts(fixture);

        var all = await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        Assert.Equal([Ad, other], all.Clicks.Select(click => click.Click.Ad.AdId).Order(StringComparer.Ordinal));
        Assert.Equal([0, 1], all.Partitions);
        Assert.Equal(2, all.Files);
        Assert.All(all.Clicks, click => Assert.Equal(32, click.Sha256?.Length));
        Assert.Equal((0, 0), (all.Missing.Count, all.LogRecords));

        var one = await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(1)) { AdId = other }, default);
        Assert.Equal([other], one.Clicks.Select(click => click.Click.Ad.AdId));
        Assert.Equal(1, (await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(1)) { Ad = Key }, default)).Files);
    }

    [Fact]
    public async Task Only_files_of_the_impressions_hours_are_read()
    {
        await using var fixture = new LakeFixture();
        for (var hour = 0; hour < 60; hour++)
        {
            var time = TestClick.Start + (hour * TestClick.Hour);
            fixture.Log.Append(0, time, TestClick.Record("ad", hour, (ulong)hour, time, expiresAtMs: TestClick.Start + (20 * TestClick.Hour)));
        }

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1000 });
        var receipt = await Receipts(fixture, lifetime: TimeSpan.FromHours(5)).FindAsync(new ReceiptQuestion(TestClick.Impression(2)), default);
        Assert.Single(receipt.Clicks);
        Assert.InRange(receipt.Files, 20, 25); // issue to expiry, which its click has told, an hour of lateness, and what clocks may be apart
    }

    [Fact]
    public async Task A_file_that_is_altered_or_gone_is_named_and_not_believed()
    {
        await using var fixture = new LakeFixture(Partitions);
        fixture.Log.Append(0, TestClick.Start, TestClick.Record(Ad, 1, 1, TestClick.Start));
        fixture.Log.Append(1, TestClick.Start, TestClick.Record(TestClick.AdIn(1, Partitions), 1, 2, TestClick.Start));
        await fixture.ArchiveAllAsync();
        var altered = fixture.Files.Single(name => name.Contains("-0000-", StringComparison.Ordinal));
        var gone = fixture.Files.Single(name => name.Contains("-0001-", StringComparison.Ordinal));
        var bytes = await File.ReadAllBytesAsync(fixture.Storage.PathOf(altered));
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(fixture.Storage.PathOf(altered), bytes);
        File.Delete(fixture.Storage.PathOf(gone));

        var receipt = await Receipts(fixture).FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        Assert.Empty(receipt.Clicks);
        Assert.Contains(receipt.Missing, sentence => sentence.Contains(altered, StringComparison.Ordinal) && sentence.Contains("SHA-256", StringComparison.Ordinal));
        Assert.Contains(receipt.Missing, sentence => sentence.Contains(gone, StringComparison.Ordinal) && sentence.Contains("not there", StringComparison.Ordinal));

        await File.WriteAllBytesAsync(fixture.Storage.PathOf(altered), bytes[..^1]);
        receipt = await Receipts(fixture).FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        Assert.Contains(receipt.Missing, sentence => sentence.Contains($"{bytes.Length - 1} of the {bytes.Length} bytes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_the_log_had_let_go_of_is_named()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 10; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, (ulong)i, TestClick.Start));
        }

        var acquired = await fixture.Store.AcquireAsync(fixture.Log.Identity, 0, default);
        await using (var archive = fixture.Open())
        {
            await archive.PrepareAsync(acquired, fixture.Log.RangeOf(0), default);
        }

        fixture.Log.Checkpointed(0, 4, long.MaxValue, DateTimeOffset.MaxValue);
        var receipt = await Receipts(fixture).FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        Assert.Contains("Offsets [0, 4) of partition 0", Assert.Single(receipt.Missing), StringComparison.Ordinal);
        Assert.Equal(6, receipt.Clicks.Count);

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { SkipLostClicks = true });
        receipt = await Receipts(fixture).FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        Assert.Contains("Offsets [0, 4) of partition 0", Assert.Single(receipt.Missing), StringComparison.Ordinal);
        Assert.Equal((6, 0), (receipt.Clicks.Count, receipt.LogRecords));
    }

    [Fact]
    public async Task Too_much_reading_is_refused_before_any_is_done()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 10; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i, TestClick.Start));
        }

        var question = new ReceiptQuestion(TestClick.Impression(1));
        var refusal = await Assert.ThrowsAsync<ReceiptTooBroadException>(() => Receipts(fixture, settings => settings with { MaxLogRecords = 9 }).FindAsync(question, default));
        Assert.Contains("10 records", refusal.Message, StringComparison.Ordinal);
        await fixture.ArchiveAllAsync();
        refusal = await Assert.ThrowsAsync<ReceiptTooBroadException>(() => Receipts(fixture, settings => settings with { MaxBytes = 9 }).FindAsync(question, default));
        Assert.Contains("bytes of the data lake", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receipt_that_takes_too_long_ends()
    {
        await using var fixture = new LakeFixture();
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        await fixture.ArchiveAllAsync();
        var time = new FakeTimeProvider();
        var hanging = new HangingLake();
        using var receipts = new ClickReceipts(fixture.Log, fixture.Store, fixture.Store, hanging, Settings(), time);
        var asked = receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(1)), default);
        await hanging.IsAsked.Task.WaitAsync(TimeSpan.FromMinutes(2));
        time.Advance(Settings().TimeOut);
        await Assert.ThrowsAsync<TimeoutException>(() => asked.WaitAsync(TimeSpan.FromMinutes(2)));
    }

    private static ReceiptSettings Settings(TimeSpan? lifetime = null, long latenessMs = TestClick.Hour) => new()
    {
        ImpressionLifetime = lifetime ?? TimeSpan.FromHours(24),
        AllowedLateness = TimeSpan.FromMilliseconds(latenessMs),
    };

    private static ClickReceipts Receipts(LakeFixture fixture, TimeSpan? lifetime = null, long latenessMs = TestClick.Hour) =>
        new(fixture.Log, fixture.Store, fixture.Store, fixture.Storage, Settings(lifetime, latenessMs), TimeProvider.System);

    private static ClickReceipts Receipts(LakeFixture fixture, Func<ReceiptSettings, ReceiptSettings> change) =>
        new(fixture.Log, fixture.Store, fixture.Store, fixture.Storage, change(Settings()), TimeProvider.System);

    private static void Append(LakeFixture fixture, List<(long AppendTimeMs, byte[] Record)>[] written, Func<List<(long, byte[])>, int> until)
    {
        for (var partition = 0; partition < written.Length; partition++)
        {
            var end = until(written[partition]);
            for (var i = (int)fixture.Log.RangeOf(partition).End; i < end; i++)
            {
                fixture.Log.Append(partition, written[partition][i].AppendTimeMs, written[partition][i].Record);
            }
        }
    }

    private sealed class HangingLake : ILakeStorage
    {
        public TaskCompletionSource IsAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Place => "a lake that does not answer";

        public async Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken)
        {
            IsAsked.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException();
        }

        public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
