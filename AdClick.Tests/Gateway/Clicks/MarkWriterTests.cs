using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;
using AdClick.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Clicks;

/// <summary>What a gateway promises in its marks.</summary>
public sealed class MarkWriterTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 1, 30, 20, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Now);
    private readonly InMemoryClickLog _log;
    private readonly OpenClicks _open;

    public MarkWriterTests()
    {
        _log = new InMemoryClickLog(1, _time);
        _open = new OpenClicks(_time);
    }

    [Fact]
    public async Task Clicks_that_are_spooled_hold_the_marks_back_until_they_are_in_the_log()
    {
        using var writer = new MarkWriter(_log, _open, new GatewayIdentity("g1"), _time);
        using var reader = _log.OpenReader(0, 0);
        await writer.StartAsync(CancellationToken.None);
        Assert.Equal(Ms(Now), await NextOpenFromAsync(reader));

        _log.SpooledFromMs = Ms(Now.AddMinutes(-10));
        var next = NextOpenFromAsync(reader);
        while (!next.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100)); // the writer may miss some of these
            await Task.Yield();
        }

        Assert.Equal(Ms(Now.AddMinutes(-10)), await next);

        _log.SpooledFromMs = null;
        await writer.StopAsync(CancellationToken.None); // with a last mark
        using var last = _log.OpenReader(0, _log.RangeOf(0).End - 1);
        Assert.Equal(MarkRecord.NothingOpen, await NextOpenFromAsync(last));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_gateway_that_stops_with_clicks_in_its_spool_or_in_hand_says_so(bool isSpooled)
    {
        using var writer = new MarkWriter(_log, _open, new GatewayIdentity("g1"), _time);
        await writer.StartAsync(CancellationToken.None);
        _log.SpooledFromMs = isSpooled ? Ms(Now) : null;
        if (!isSpooled)
        {
            _open.Enter();
        }

        _time.Advance(TimeSpan.FromMilliseconds(50));
        await writer.StopAsync(CancellationToken.None);
        using var last = _log.OpenReader(0, _log.RangeOf(0).End - 1);
        Assert.Equal(Ms(Now), await NextOpenFromAsync(last));
    }

    private static long Ms(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    private static async Task<long> NextOpenFromAsync(IClickLogReader reader)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var batch = await reader.ReadAsync(1, patience.Token);
        var record = default(LogRecordReader);
        Assert.Equal(LogRecordReader.Kind.Mark, record.Read(batch.Record(0)));
        return record.OpenFromMs;
    }
}
