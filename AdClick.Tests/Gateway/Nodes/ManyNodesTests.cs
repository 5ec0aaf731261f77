using System.Diagnostics;
using System.Net;
using AdClick.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>
/// Real nodes under load that die, leave, come, freeze and lose sight of each other: each time all partitions are counted again by those who are there, and at the end every count is exact (I1, I2).
/// </summary>
[Collection(HeavyTests.Name)]
public sealed class ManyNodesTests(ClusterOfProcesses cluster, ITestOutputHelper output) : IClassFixture<ClusterOfProcesses>, IAsyncLifetime
{
    private readonly List<NodeProgram> _noGateways = [];
    private ClusterLoad? _load;

    public async Task InitializeAsync()
    {
        if (TestDatabases.Postgres is not null)
        {
            await cluster.HealAsync();
            _load = await ClusterLoad.StartAsync(
                () => [.. cluster.Nodes.ToArray().Where(node => node.IsRunning && !_noGateways.Contains(node))], cluster.Keys);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [PostgresFact]
    public async Task A_node_is_killed_and_its_partitions_are_counted_by_the_others()
    {
        var victim = cluster.Nodes[0];
        await UnderLoadAsync();
        victim.Kill();
        await RecoverAsync("killed", victim);
        await EndAsync();
    }

    [PostgresFact]
    public async Task A_node_that_is_stopped_hands_its_partitions_over_and_ends_with_code_0()
    {
        var leaving = cluster.Nodes[1];
        await UnderLoadAsync();
        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await leaving.StopAsync());
        output.WriteLine($"stopped in {Stopwatch.GetElapsedTime(started)}");
        await RecoverAsync("stopped", leaving);
        await EndAsync();
    }

    [PostgresFact]
    public async Task A_frozen_node_that_wakes_up_as_a_second_owner_counts_nothing_twice_and_ends_to_be_started_again()
    {
        var frozen = cluster.Nodes[2];
        await UnderLoadAsync();
        frozen.Freeze();
        try
        {
            await RecoverAsync("frozen", frozen);
            await UnderLoadAsync(30); // few: each third click goes to the frozen node, and waits there
        }
        finally
        {
            frozen.Thaw();
        }

        await frozen.WaitUntilLeftOutAsync();
        await EndAsync();
    }

    [PostgresFact]
    public async Task A_node_that_is_cut_off_from_the_others_but_not_from_log_and_database_ends_and_comes_back_when_it_can()
    {
        var lonely = cluster.Nodes[2];
        await UnderLoadAsync();
        cluster.CutOff(lonely);
        await RecoverAsync("cut off", lonely);
        await lonely.WaitUntilLeftOutAsync();
        cluster.CutOff(null);
        await EndAsync();
    }

    [PostgresFact]
    public async Task Nodes_of_one_role_join_get_what_belongs_to_it_and_leave_for_good()
    {
        await UnderLoadAsync();
        var (gateway, processor) = (cluster.NewNode("gateway"), cluster.NewNode("processor"));
        try
        {
            _noGateways.Add(processor);
            gateway.Start();
            processor.Start();
            await gateway.WaitUntilReadyAsync();
            await processor.WaitUntilReadyAsync();
            var counting = cluster.Nodes.Where(node => node != gateway).ToList();
            await cluster.WaitUntilCountedAsync(counting, owners => owners.Contains(processor.Name), "the new processor to get its share");

            using (var click = await processor.Api.Http.GetAsync(new Uri("/c/x", UriKind.Relative)))
            {
                Assert.Equal(HttpStatusCode.NotFound, click.StatusCode);
            }

            Assert.Contains("adclick_partition_running{", await processor.Api.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
            var metrics = await gateway.Api.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            Assert.Contains($"node=\"{processor.Name}\"", metrics, StringComparison.Ordinal);
            Assert.DoesNotContain("adclick_partition_running{", metrics, StringComparison.Ordinal);
            await UnderLoadAsync();
        }
        finally
        {
            Assert.Equal(0, await gateway.StopAsync());
            Assert.Equal(0, await processor.StopAsync());
            cluster.Remove(gateway);
            cluster.Remove(processor);
        }

        await EndAsync();
    }

    [PostgresFact]
    public async Task All_nodes_are_restarted_one_after_the_other()
    {
        foreach (var node in cluster.Nodes)
        {
            await UnderLoadAsync();
            Assert.Equal(0, await node.StopAsync());
            await RecoverAsync("restarted", node);
            node.Start();
            await node.WaitUntilReadyAsync();
        }

        await EndAsync();
    }

    /// <summary>Lets clicks come in, so that there is something to lose.</summary>
    private Task UnderLoadAsync(int clicks = 300) => _load!.WaitForRedirectsAsync(clicks);

    private async Task RecoverAsync(string what, NodeProgram without)
    {
        var started = Stopwatch.GetTimestamp();
        await cluster.WaitUntilCountedAsync([.. cluster.Nodes.Where(node => node != without)]);
        output.WriteLine($"{what}: all partitions are counted after {Stopwatch.GetElapsedTime(started)}");
    }

    private async Task EndAsync()
    {
        await cluster.HealAsync();
        await _load!.AssertExactCountsAsync();
    }
}
