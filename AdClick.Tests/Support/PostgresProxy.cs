using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>Where a <see cref="PostgresProxy"/> cuts a connection.</summary>
internal enum Cut
{
    /// <summary>It doesn't.</summary>
    No,

    /// <summary>Before the server gets the message.</summary>
    Before,

    /// <summary>After the server has answered it, before the client gets the answer.</summary>
    BeforeItsAnswer,
}

/// <summary>A message of a client to the server.</summary>
/// <param name="Type">Its type: Q for a query, d for a piece of a COPY …</param>
/// <param name="Body">What follows.</param>
internal readonly record struct ClientMessage(char Type, byte[] Body)
{
    /// <summary>Whether it is this simple query.</summary>
    public bool IsQuery(string sql) => Type == 'Q' && Encoding.UTF8.GetString(Body) == sql + "\0";
}

/// <summary>Stands between a client and a PostgreSQL server, and cuts connections at messages that the test names.</summary>
internal sealed class PostgresProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly Task _accepting;

    /// <summary>A proxy before the server of a connection string.</summary>
    public PostgresProxy(string connectionString)
    {
        _server = new NpgsqlConnectionStringBuilder(connectionString);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
            SslMode = SslMode.Disable, // so that the proxy can read along
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>Connection string of the same database through the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>Says for each message of a client whether its connection ends there. Messages of several connections may come at once.</summary>
    public Func<ClientMessage, Cut> OnMessage { get; set; } = _ => Cut.No;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (var client in _open.Keys)
        {
            client.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return; // the test has ended
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            _open[client] = _open[server] = true;
            try
            {
                client.NoDelay = server.NoDelay = true;
                await server.ConnectAsync(_server.Host!, _server.Port);
                var connection = new Connection(client.GetStream(), server.GetStream(), message => OnMessage(message));
                await await Task.WhenAny(connection.SendAsync(), connection.AnswerAsync());
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // One side has ended it; so does the other one.
            }
            finally
            {
                _open.TryRemove(client, out _);
                _open.TryRemove(server, out _);
            }
        }
    }

    private sealed class Connection(NetworkStream client, NetworkStream server, Func<ClientMessage, Cut> onMessage)
    {
        private volatile bool _dropsAnswers;

        public async Task SendAsync()
        {
            // The first message has no type.
            await server.WriteAsync(await ReadAsync(hasType: false));
            while (true)
            {
                var message = await ReadAsync(hasType: true);
                var cut = onMessage(new ClientMessage((char)message[0], message[5..]));
                if (cut == Cut.Before)
                {
                    return;
                }

                _dropsAnswers |= cut == Cut.BeforeItsAnswer;
                await server.WriteAsync(message);
            }
        }

        public async Task AnswerAsync()
        {
            var buffer = new byte[16 * 1024];
            while (await server.ReadAsync(buffer) is > 0 and var length && !_dropsAnswers)
            {
                await client.WriteAsync(buffer.AsMemory(0, length));
            }
        }

        private async Task<byte[]> ReadAsync(bool hasType)
        {
            var start = new byte[hasType ? 5 : 4];
            await client.ReadExactlyAsync(start);
            var message = new byte[start.Length + BinaryPrimitives.ReadInt32BigEndian(start.AsSpan(start.Length - 4)) - 4];
            start.CopyTo(message, 0);
            await client.ReadExactlyAsync(message.AsMemory(start.Length));
            return message;
        }
    }
}
