using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Sends clicks at a steady rate, whether or not the server keeps up, and measures each answer from the moment at which its click was due. So a server that
/// stalls can't hide the clicks that it kept from being sent (the omission that closed loops make).
/// </summary>
/// <remarks>
/// It shares the machine with the server that it measures, so it is thrifty: one thread hands out what is due, and answers are read where the runtime's socket
/// thread finds them (<see cref="InlineSockets"/>), which sends what is due next on the same connection at once.
/// </remarks>
internal sealed class LoadGenerator : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ReconnectPause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate;
    private readonly ClickLedger _ledger;
    private readonly ClickSource _source;
    private readonly ClickRequests _requests;
    private readonly IReadOnlyList<EndPoint> _servers;
    private readonly double _ticksPerClick; // 0: as fast as possible
    private readonly Queue<ClickConnection> _idle = []; // in turns, so that none is idle until the server closes it, just when a click is sent on it
    private readonly List<ClickConnection> _down = [];
    private readonly ClickConnection[] _connections;
    private readonly SortedDictionary<int, long> _refusals = [];
    private readonly Thread _pacer;
    private readonly Stopwatch _active = new();
    private long _scheduleStart;
    private long _scheduled;
    private int _busy;
    private int _nextServer;
    private bool _isPaused = true;
    private bool _isEnding;
    private volatile bool _isStopped;

    /// <summary>A generator that waits for <see cref="Resume"/>.</summary>
    /// <param name="gate">Guards ledger and source; taken for each click, for a moment.</param>
    /// <param name="ledger">Books what comes of each click.</param>
    /// <param name="source">Says what is clicked.</param>
    /// <param name="requests">Encodes it.</param>
    /// <param name="servers">Addresses of the gateways; the connections go round them, and past those that are down.</param>
    /// <param name="connections">Number of connections; each has at most one click on its way.</param>
    /// <param name="rate">Clicks per second; 0: as fast as possible.</param>
    public LoadGenerator(
        Lock gate, ClickLedger ledger, ClickSource source, ClickRequests requests, IReadOnlyList<EndPoint> servers, int connections, double rate)
    {
        _gate = gate;
        _ledger = ledger;
        _source = source;
        _requests = requests;
        _servers = servers;
        _ticksPerClick = rate > 0 ? Stopwatch.Frequency / rate : 0;
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new ClickConnection(this, requests))];
        _down.AddRange(_connections);
        _pacer = new Thread(Pace) { Name = "pacer", IsBackground = true };
        _pacer.Start();
    }

    /// <summary>Time from when a click was due to its redirect.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>Time from when a click was due to when it was sent: the generator's own part in the latency, and that of busy connections.</summary>
    public LatencyHistogram SendLag { get; } = new();

    /// <summary>Time from when a click was sent to its redirect: the server's own part in the latency.</summary>
    public LatencyHistogram Answer { get; } = new();

    /// <summary>Time in which clicks were sent.</summary>
    public TimeSpan ActiveTime
    {
        get
        {
            lock (_gate)
            {
                return _active.Elapsed;
            }
        }
    }

    /// <summary>Answers other than a redirect, by status.</summary>
    public IReadOnlyDictionary<int, long> Refusals
    {
        get
        {
            lock (_gate)
            {
                return new SortedDictionary<int, long>(_refusals);
            }
        }
    }

    /// <summary>Begins the schedule, or goes on with it from now: what was not due by then is not made up for.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            _scheduleStart = Stopwatch.GetTimestamp();
            _scheduled = 0;
            _isPaused = false;
            _active.Start();
        }
    }

    /// <summary>Sends nothing until <see cref="Resume"/>, and doesn't connect.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            _isPaused = true;
            _active.Stop();
        }
    }

    /// <summary>Sends nothing new, clicks again what must be, and ends when every click has its answer.</summary>
    /// <exception cref="TimeoutException">Some did not get one.</exception>
    public async Task FinishAsync(TimeSpan patience)
    {
        lock (_gate)
        {
            _isEnding = true;
            _active.Stop();
        }

        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            int busy;
            int again;
            lock (_gate)
            {
                busy = _busy;
                again = _source.Again;
                if (busy == 0 && again == 0)
                {
                    _isPaused = true;
                    return;
                }
            }

            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                throw new TimeoutException(
                    $"Waited {patience} for the last answers: {busy} clicks have none, and {again} impressions are still to be clicked again. Is the gateway running?");
            }

            await Task.Delay(10);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isStopped = true;
        _pacer.Join();
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    /// <summary>An answer has come.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="isLast">Whether the connection can't be used again.</param>
    internal void OnAnswered(ClickConnection connection, int status, bool isLast)
    {
        var now = Stopwatch.GetTimestamp();
        ImpressionToken token = default;
        ClickOnItsWay next = default;
        var sends = false;
        lock (_gate)
        {
            if (connection.Current is not { } click)
            {
                return; // the server says that it will close an idle connection
            }

            connection.Current = null;
            _busy--;
            Book(click, status, now);
            if (!isLast)
            {
                sends = TryTakeDue(now, out next);
                if (sends)
                {
                    token = Give(connection, next, now);
                }
                else
                {
                    _idle.Enqueue(connection);
                }
            }
        }

        if (sends)
        {
            connection.Send(token, next.IsBot);
        }
    }

    /// <summary>A connection has ended; a click that was on its way may or may not have arrived.</summary>
    internal void OnLost(ClickConnection connection, Socket socket)
    {
        lock (_gate)
        {
            if (!connection.IsOn(socket))
            {
                return;
            }

            connection.Close();
            if (_idle.Contains(connection))
            {
                var others = _idle.Where(other => other != connection).ToArray();
                _idle.Clear();
                Array.ForEach(others, _idle.Enqueue);
            }

            if (connection.Current is { } click)
            {
                connection.Current = null;
                _busy--;
                if (_ledger.BookUnanswered(click.Impression, click.IsBot))
                {
                    _source.ClickAgain(click.Impression);
                }
            }

            _down.Add(connection);
        }
    }

    private void Book(ClickOnItsWay click, int status, long now)
    {
        if (status == 302)
        {
            _ledger.BookRedirect(click.Impression, click.IsBot);
            Latency.Record(Stopwatch.GetElapsedTime(click.Due, now));
            Answer.Record(Stopwatch.GetElapsedTime(click.Sent, now));
            return;
        }

        _refusals[status] = _refusals.GetValueOrDefault(status) + 1;
        if (_ledger.BookRefused(click.Impression, click.IsBot))
        {
            _source.ClickAgain(click.Impression);
        }
    }

    private bool TryTakeDue(long now, out ClickOnItsWay click)
    {
        click = default;
        var due = _ticksPerClick > 0 ? _scheduleStart + (long)(_scheduled * _ticksPerClick) : now;
        if (_isPaused || due > now)
        {
            return false;
        }

        if (_isEnding)
        {
            if (!_source.TryNextAgain(out var again))
            {
                return false;
            }

            click = new ClickOnItsWay(again, IsBot: false, now);
            return true;
        }

        _scheduled++;
        var (impression, isBot) = _source.Next(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        click = new ClickOnItsWay(impression, isBot, due);
        return true;
    }

    private ImpressionToken Give(ClickConnection connection, ClickOnItsWay click, long now)
    {
        connection.Current = click with { Sent = now };
        _busy++;
        SendLag.Record(Stopwatch.GetElapsedTime(click.Due, now));
        return _requests.Unsigned(click.Impression);
    }

    private void Pace()
    {
        var toSend = new List<(ClickConnection Connection, ImpressionToken Token, bool IsBot)>();
        var lastConnect = 0L;
        while (!_isStopped)
        {
            lock (_gate)
            {
                var now = Stopwatch.GetTimestamp();
                while (_idle.Count > 0 && TryTakeDue(now, out var click))
                {
                    var connection = _idle.Dequeue();
                    toSend.Add((connection, Give(connection, click, now), click.IsBot));
                }
            }

            foreach (var (connection, token, isBot) in toSend)
            {
                connection.Send(token, isBot);
            }

            toSend.Clear();
            if (Stopwatch.GetElapsedTime(lastConnect) > ReconnectPause)
            {
                Connect();
                lastConnect = Stopwatch.GetTimestamp();
            }

            Thread.Sleep(Tick);
        }
    }

    private void Connect()
    {
        ClickConnection[] down;
        lock (_gate)
        {
            if (_isPaused || _down.Count == 0)
            {
                return;
            }

            down = [.. _down];
            _down.Clear();
        }

        var connected = 0;
        var refused = 0;
        while (connected < down.Length && refused < _servers.Count)
        {
            var isConnected = down[connected].TryConnect(_servers[_nextServer++ % _servers.Count]);
            (connected, refused) = isConnected ? (connected + 1, 0) : (connected, refused + 1);
        }

        lock (_gate)
        {
            // One that was lost again meanwhile has put itself back among the others.
            Array.ForEach(down[..connected], connection =>
            {
                if (!_down.Contains(connection))
                {
                    _idle.Enqueue(connection);
                }
            });
            _down.AddRange(down[connected..]);
        }
    }
}
