using System.Net;
using System.Net.Sockets;
using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>One keep-alive connection with at most one click on its way. What comes of it is said to its <see cref="LoadGenerator"/>.</summary>
internal sealed class ClickConnection : IDisposable
{
    private readonly LoadGenerator _generator;
    private readonly ClickRequests _requests;
    private readonly byte[] _request;
    private byte[] _answer = new byte[4 * 1024];
    private int _received;
    private Socket? _socket;

    /// <summary>A connection that is not connected yet.</summary>
    public ClickConnection(LoadGenerator generator, ClickRequests requests)
    {
        _generator = generator;
        _requests = requests;
        _request = new byte[requests.MaxLength];
    }

    /// <summary>The click that is on its way; kept by the generator, under its lock.</summary>
    public ClickOnItsWay? Current { get; set; }

    /// <summary>Connects and begins to listen for answers; false when nobody is there.</summary>
    public bool TryConnect(EndPoint server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(server);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }

        _received = 0;
        _socket = socket;

        // The arguments belong to this socket: a completion of a former one can't be taken for this one's.
        var receive = new SocketAsyncEventArgs { UserToken = socket };
        receive.SetBuffer(_answer, 0, _answer.Length);
        receive.Completed += (_, args) => OnReceived(args);
        Receive(socket, receive);
        return true;
    }

    /// <summary>Sends a click. A failure is noticed by the receiving end.</summary>
    public void Send(in ImpressionToken token, bool isBot)
    {
        var length = _requests.Write(token, isBot, _request);
        if (_socket is not { } socket)
        {
            return; // lost a moment ago, and the click was booked as unanswered
        }

        try
        {
            socket.Send(_request.AsSpan(0, length));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _generator.OnLost(this, socket);
        }
    }

    /// <summary>Whether the connection is still on this socket.</summary>
    public bool IsOn(Socket socket) => ReferenceEquals(_socket, socket);

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _socket?.Dispose();

    /// <summary>Lets go of a socket that failed.</summary>
    public void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private void Receive(Socket socket, SocketAsyncEventArgs receive)
    {
        try
        {
            while (!socket.ReceiveAsync(receive))
            {
                if (!TryTake(socket, receive))
                {
                    receive.Dispose();
                    return;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            receive.Dispose();
            _generator.OnLost(this, socket);
        }
    }

    private void OnReceived(SocketAsyncEventArgs receive)
    {
        var socket = (Socket)receive.UserToken!;
        if (TryTake(socket, receive))
        {
            Receive(socket, receive);
        }
        else
        {
            receive.Dispose();
        }
    }

    private bool TryTake(Socket socket, SocketAsyncEventArgs receive)
    {
        if (receive.SocketError != SocketError.Success || receive.BytesTransferred == 0)
        {
            _generator.OnLost(this, socket);
            return false;
        }

        _received += receive.BytesTransferred;
        var length = HttpAnswer.Read(_answer.AsSpan(0, _received), out var status, out var closes);
        if (length > 0)
        {
            if (length != _received)
            {
                throw new FormatException("The server has answered more than was asked.");
            }

            _received = 0;
            if (closes)
            {
                _generator.OnAnswered(this, status, isLast: true);
                _generator.OnLost(this, socket);
                return false;
            }

            _generator.OnAnswered(this, status, isLast: false);
        }
        else if (_received == _answer.Length)
        {
            Array.Resize(ref _answer, _answer.Length * 2);
        }

        receive.SetBuffer(_answer, _received, _answer.Length - _received);
        return true;
    }
}

/// <summary>A click between its request and its answer.</summary>
/// <param name="Impression">Number of the impression.</param>
/// <param name="IsBot">Whether it declares itself a bot's.</param>
/// <param name="Due">Time stamp at which it was to be sent; its latency counts from there.</param>
/// <param name="Sent">Time stamp at which it was.</param>
internal readonly record struct ClickOnItsWay(int Impression, bool IsBot, long Due, long Sent = 0);
