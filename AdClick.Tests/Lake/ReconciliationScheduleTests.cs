using AdClick.Actors.Hosting;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using Akka.Hosting;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace AdClick.Tests.Lake;

public sealed class ReconciliationScheduleTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(100);
    private static readonly ReconciliationSchedule Schedule = new() { Delay = TimeSpan.FromMinutes(10), LookBack = TimeSpan.FromDays(2) };

    [Fact]
    public void Hours_are_looked_at_from_the_first_of_the_lake_to_the_last_that_is_closed_for_long_enough()
    {
        Assert.Equal(new HourRange(95, 100), Schedule.Window(95, (100 * HourRange.HourMs) + 600_000));
        Assert.Equal(new HourRange(95, 99), Schedule.Window(95, (100 * HourRange.HourMs) + 599_999));
        Assert.Equal(new HourRange(52, 100), Schedule.Window(3, (100 * HourRange.HourMs) + 600_000));
        Assert.Equal(0, Schedule.Window(95, 0).Count);
    }

    [Fact]
    public void Hours_without_a_verdict_come_first_and_together()
    {
        Assert.Equal(new HourRange(52, 60), Next(52, 60, [], settleBefore: 0));
        Assert.Equal(new HourRange(53, 54), Next(52, 56, [At(52), At(54)], settleBefore: 0));
        Assert.Equal(new HourRange(0, Reconciler.MaxHours), Next(0, 48, [], settleBefore: 0));
        Assert.Null(Next(52, 54, [At(52), At(53)], settleBefore: 0));
    }

    [Fact]
    public void An_hour_that_got_a_late_click_and_one_that_was_unproven_for_long_are_tried_again()
    {
        Assert.Equal(new HourRange(52, 53), Next(52, 54, [At(52) with { IsStale = true }, At(53)], settleBefore: 0));
        Assert.Null(Next(52, 53, [At(52) with { State = RunState.Unproven }], settleBefore: 0));
        Assert.Equal(new HourRange(52, 53), Next(52, 53, [At(52) with { State = RunState.Unproven, FinishedAt = Now.AddHours(-1) }], settleBefore: 0));
        Assert.Null(Next(52, 53, [At(52) with { IsStale = true, HasRules = true }], settleBefore: 0));
    }

    [Fact]
    public void Late_clicks_are_settled_a_day_at_a_time_when_the_whole_day_may_be()
    {
        HourVerdict[] all = [.. Enumerable.Range(40, 40).Select(hour => At(hour))];
        Assert.Null(Next(40, 80, all, settleBefore: 47));
        Assert.Equal(new HourRange(40, 48), Next(40, 80, all, settleBefore: 48));
        Assert.Equal(new HourRange(48, 72), Next(40, 80, [.. all.Select(verdict => verdict with { IsSettled = verdict.Hour < 48 })], settleBefore: 80));
        Assert.Null(Next(40, 80, [.. all.Select(verdict => verdict with { IsSettled = true })], settleBefore: 80));
    }

    [Fact]
    public async Task One_node_of_a_cluster_reconciles_what_is_due()
    {
        await using var fixture = new RecountFixture(partitions: 2);
        fixture.Click("a1", 1, 1, TestClick.Start);
        fixture.Click("a1", 2, 2, TestClick.Start + (2 * TestClick.Hour));
        fixture.Mark(TestClick.Start + (40 * TestClick.Hour));
        await fixture.CountAsync();

        var state = new ReconciliationState();
        using var folder = new TestFolder();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddAkka("adclick", akka => akka
            .AddHocon(CountingNode.Quiet, HoconAddMode.Prepend)
            .AddAdClickHocon()
            .AddAdClickSqlitePersistence(folder["journal.db"], folder["snapshots.db"])
            .AddAdClickLocalCluster(["processor"])
            .AddAdClickReconciliation(
                fixture.Reconciler, fixture.Store, new ReconciliationSchedule { Interval = TimeSpan.FromMilliseconds(100) }, state, TimeProvider.System));
        using var host = builder.Build();
        await host.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var all = new HourRange(fixture.Hours.First, fixture.Hours.First + 30);
        IReadOnlyList<HourVerdict> verdicts;
        do
        {
            verdicts = await fixture.Store.ReadVerdictsAsync(all, patience.Token);
            await Task.Delay(20, patience.Token); // between two looks; it ends by what they see
        }
        while (verdicts.Count(verdict => verdict.IsSettled) < 20);

        await host.StopAsync();
        Assert.All(verdicts, verdict => Assert.Equal(RunState.Match, verdict.State));
        Assert.Equal(Enumerable.Range(all.First, verdicts.Count), verdicts.Select(verdict => verdict.Hour));
        Assert.Empty(state.Notices);
        Assert.All(await fixture.Store.ListRunsAsync(20, default), run => Assert.Equal(RunKind.Scheduled, run.Kind));
    }

    private static HourVerdict At(int hour) => new(hour, 1, RunState.Match, IsStale: false, IsSettled: false, HasRules: false, Now);

    private static HourRange? Next(int first, int end, HourVerdict[] verdicts, int settleBefore) =>
        Schedule.Next(new HourRange(first, end), verdicts, settleBefore * HourRange.HourMs, Now);
}
