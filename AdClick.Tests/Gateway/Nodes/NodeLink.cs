using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>
/// The way to a node's remoting, which can be cut: it takes connections at the address that the node is known by and passes on what comes. Who is calling it hears from the first
/// bytes, in which a node says what it is known by.
/// </summary>
internal sealed class NodeLink : IDisposable
{
    private readonly TcpListener _listener;
    private readonly IPEndPoint _node;
    private readonly Func<string, string, bool> _isCut;
    private readonly IReadOnlyList<string> _hosts;
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _clients = [];

    /// <summary>Begins to listen.</summary>
    /// <param name="host">Address that the node is known by.</param>
    /// <param name="hosts">Addresses that all nodes are known by.</param>
    /// <param name="port">Port that the node listens on at that address.</param>
    /// <param name="isCut">Whether what goes from one of the hosts to another is lost.</param>
    public NodeLink(string host, IReadOnlyList<string> hosts, int port, Func<string, string, bool> isCut)
    {
        Host = host;
        _hosts = hosts;
        _node = new IPEndPoint(IPAddress.Parse(host), port);
        _isCut = isCut;
        _listener = new TcpListener(IPAddress.Parse(host), 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    /// <summary>Address that the node is known by.</summary>
    public string Host { get; }

    /// <summary>Port that the node is known by.</summary>
    public int Port { get; }

    /// <summary>Breaks all connections, as a network that has lost packets for long does when it is back.</summary>
    public void Break()
    {
        foreach (var client in _clients.Keys)
        {
            client.Dispose();
        }
    }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Dispose();
        Break();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_ending.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var node = new TcpClient();
        _clients[client] = true;
        _clients[node] = true;
        try
        {
            var first = new byte[64 * 1024];
            var length = await client.GetStream().ReadAsync(first, _ending.Token);
            var text = Encoding.ASCII.GetString(first, 0, length);
            var caller = _hosts.FirstOrDefault(host => host != Host && text.Contains(host, StringComparison.Ordinal)) ?? "";
            await node.ConnectAsync(_node, _ending.Token);
            if (!_isCut(caller, Host))
            {
                await node.GetStream().WriteAsync(first.AsMemory(0, length), _ending.Token);
            }

            await Task.WhenAny(
                PassAsync(client.GetStream(), node.GetStream(), () => _isCut(caller, Host)),
                PassAsync(node.GetStream(), client.GetStream(), () => _isCut(Host, caller)));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One side is gone, so the other goes, too.
        }
        finally
        {
            _clients.TryRemove(client, out _);
            _clients.TryRemove(node, out _);
            client.Dispose();
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, Func<bool> isCut)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, _ending.Token) is var length and > 0)
        {
            if (!isCut())
            {
                await to.WriteAsync(buffer.AsMemory(0, length), _ending.Token);
            }
        }
    }
}
