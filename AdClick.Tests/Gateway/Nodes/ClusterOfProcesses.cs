using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>
/// Three nodes in processes of their own, on a mock Kafka cluster in another and a database of their own on PostgreSQL, with a failure detection that is quick. They speak in plain text, as the links between them listen, and Akka.Remote gives up when a peer
/// breaks off a TLS handshake, which a link does when the node behind it is dead. What a test does to them, it or
/// <see cref="HealAsync"/> undoes.
/// </summary>
public sealed class ClusterOfProcesses : IAsyncLifetime
{
    private const int Partitions = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string[] Hosts = ["127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14", "127.0.0.15"];

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-cluster-").FullName;
    private readonly List<NodeProgram> _nodes = [];
    private volatile string? _cutOff;
    private MockKafkaProcess? _kafka;
    private TestDatabase? _database;

    /// <summary>Keys of all nodes.</summary>
    internal BenchmarkKeys Keys { get; } = BenchmarkKeys.Make();

    /// <summary>The three nodes that do everything, and what was added.</summary>
    internal IReadOnlyList<NodeProgram> Nodes => _nodes;

    public async Task InitializeAsync()
    {
        if (TestDatabases.Postgres is null)
        {
            return; // all tests are skipped
        }

        _database = await TestDatabase.CreateAsync(TestDatabases.Postgres);
        _kafka = await MockKafkaProcess.StartAsync(_folder, "adclick-clicks", Partitions);
        for (var node = 0; node < 3; node++)
        {
            NewNode();
        }

        await HealAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            node.Dispose();
        }

        _kafka?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Another node, which is not started yet. The first three are everybody's seeds.</summary>
    internal NodeProgram NewNode(string roles = "gateway,processor")
    {
        var settings = new Dictionary<string, string>
        {
            ["AdClick__AdminKey"] = Keys.AdminKey,
            [$"AdClick__SigningKeys__{Keys.SigningKeyId}"] = Convert.ToBase64String(Keys.Secret),
            ["AdClick__RequestsPerSecondPerKey"] = "100000",
            ["AdClick__ClickLog"] = "kafka",
            ["AdClick__Kafka__BootstrapServers"] = _kafka!.BootstrapServers,
            ["AdClick__Partitions"] = $"{Partitions}",
            ["AdClick__Database"] = "postgres",
            ["ConnectionStrings__AdClick"] = _database!.ConnectionString,
            ["AdClick__CheckpointInterval"] = "00:00:01",
            ["AdClick__FlushInterval"] = "00:00:00.200",
            ["AdClick__Roles"] = roles,
            ["AKKA__CLUSTER__FAILURE_DETECTOR__ACCEPTABLE_HEARTBEAT_PAUSE"] = "3s",
            ["AKKA__CLUSTER__SPLIT_BRAIN_RESOLVER__STABLE_AFTER"] = "3s",
            ["AKKA__CLUSTER__SHARDING__REBALANCE_INTERVAL"] = "1s",
        };
        var node = new NodeProgram(
            Hosts[_nodes.Count], Hosts, (from, to) => _cutOff is { } cut && from != to && (from == cut || to == cut), Path.Combine(_folder, $"node{_nodes.Count + 1}"), Keys.AdminKey, settings);
        _nodes.Add(node);
        if (_nodes.Count <= 3)
        {
            foreach (var other in _nodes)
            {
                other.Set("AdClick:Cluster:Seeds", string.Join(',', _nodes.Select(seed => seed.Name)));
            }
        }
        else
        {
            node.Set("AdClick:Cluster:Seeds", string.Join(',', _nodes.Take(3).Select(seed => seed.Name)));
        }

        return node;
    }

    /// <summary>A node is gone for good.</summary>
    internal void Remove(NodeProgram node)
    {
        node.Dispose();
        _nodes.Remove(node);
    }

    /// <summary>Loses all that goes between a node and the others; null: nothing any more.</summary>
    internal void CutOff(NodeProgram? node)
    {
        _cutOff = node?.Name.Split(':')[0];
        if (node is null)
        {
            foreach (var each in _nodes)
            {
                each.BreakConnections();
            }
        }
    }

    /// <summary>Three nodes run, are ready, and own partitions.</summary>
    internal async Task HealAsync()
    {
        if (_cutOff is not null)
        {
            CutOff(null);
        }

        foreach (var node in _nodes.Where(node => !node.IsRunning))
        {
            node.Start();
        }

        foreach (var node in _nodes)
        {
            await node.WaitUntilReadyAsync();
        }

        await WaitUntilCountedAsync(_nodes, owners => owners.Distinct().Count() == _nodes.Count, "each node to own partitions");
    }

    /// <summary>Waits until each of some nodes knows all partitions to be counted by one of them, and more if need be.</summary>
    internal async Task WaitUntilCountedAsync(IReadOnlyList<NodeProgram> nodes, Func<IReadOnlyList<string>, bool>? condition = null, string what = "all partitions to be counted")
    {
        using var patience = new CancellationTokenSource(Patience);
        var last = "nothing";
        while (!patience.IsCancellationRequested)
        {
            var all = true;
            foreach (var node in nodes)
            {
                try
                {
                    var cluster = await node.Api.Http.GetFromJsonAsync<JsonElement>(new Uri("/v1/cluster", UriKind.Relative), patience.Token);
                    last = $"{node.Name} says {cluster}";
                    var partitions = cluster.GetProperty("partitions").EnumerateArray().ToList();
                    var owners = partitions.Select(partition => partition.TryGetProperty("owner", out var owner) ? owner.GetString()! : "").ToList();
                    all = partitions.TrueForAll(partition => partition.GetProperty("state").GetString() == "running")
                        && owners.TrueForAll(owner => nodes.Any(node => node.Name == owner)) && condition?.Invoke(owners) != false;
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    (last, all) = ($"{node.Name}: {e.Message}", false);
                }

                if (!all)
                {
                    break;
                }
            }

            if (all)
            {
                return;
            }

            await Task.Delay(50);
        }

        throw new TimeoutException($"Waited {Patience} for {what}: {last}\n{string.Join('\n', _nodes.Select(node => node.EndOfOutput()))}");
    }
}
