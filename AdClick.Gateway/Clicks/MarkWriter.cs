using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Clicks;

/// <summary>
/// Appends a mark to every partition each second: it moves the clock of partitions without clicks, and tells readers up to when this gateway has nothing
/// left to log. The first is in the log before the first click is taken, and the last says that nothing is left: so a gateway that has left for good holds nobody back.
/// </summary>
internal sealed class MarkWriter : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Clicks in hand take milliseconds; a finer grain than the interval lets a mark reach almost to the present.
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(100);

    // With the log away, clicks are taken without the first mark, too, and spooled.
    private static readonly TimeSpan PatienceAtStart = TimeSpan.FromSeconds(5);

    private readonly IClickLog _log;
    private readonly OpenClicks _open;
    private readonly TimeProvider _time;
    private readonly string _gateway;
    private Task _writing = Task.CompletedTask;

    /// <summary>Writes the marks of a gateway.</summary>
    public MarkWriter(IClickLog log, OpenClicks open, GatewayIdentity identity, TimeProvider time)
    {
        _log = log;
        _open = open;
        _time = time;
        _gateway = identity.Name;
    }

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = WriteAsync(OpenFromMs());
        await Task.WhenAny(_writing, Task.Delay(PatienceAtStart, _time, cancellationToken));
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Grain, _time);
        var grains = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var openFromMs = OpenFromMs();
                if (++grains % (int)(Interval / Grain) == 0 && _writing.IsCompleted)
                {
                    _writing = WriteAsync(openFromMs);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The last mark is written when all requests are finished. What is open all the same, or spooled, comes when the gateway is started again.
            await _writing;
            var nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
            var openFromMs = OpenFromMs();
            await WriteAsync(openFromMs < nowMs ? openFromMs : MarkRecord.NothingOpen);
        }
    }

    // Clicks in hand first, spooled ones second: a click that goes from hand to spool in between is seen in one of them.
    private long OpenFromMs()
    {
        var inHandFromMs = _open.Rotate();
        return Math.Min(inHandFromMs, _log.SpooledFromMs ?? long.MaxValue);
    }

    private async Task WriteAsync(long openFromMs)
    {
        var mark = new byte[ClickRecordWriter.MaxBytes];
        var length = ClickRecordWriter.Write(new MarkRecord(_gateway, _time.GetUtcNow().ToUnixTimeMilliseconds(), openFromMs), mark);
        var appends = new Task[_log.Identity.Partitions];
        for (var partition = 0; partition < appends.Length; partition++)
        {
            appends[partition] = _log.AppendAsync(partition, [], mark.AsSpan(0, length));
        }

        try
        {
            await Task.WhenAll(appends);
        }
        catch (ClickLogUnavailableException)
        {
            // The log reports its fault itself. Without a mark, readers are told that nothing newer is complete: the truth.
        }
    }
}
