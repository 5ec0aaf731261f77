using AdClick.Gateway.Hosting;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

public sealed partial class SettingsReaderTests
{
    [Fact]
    public void Reconciliation_reads_back_as_long_as_an_impression_is_remembered_unless_told_otherwise()
    {
        var standard = Read(("ImpressionLifetime", "02:00:00"), ("AllowedLateness", "00:30:00")).Reconciliation;
        Assert.Equal((true, TimeSpan.FromMinutes(150)), (standard.IsScheduled, standard.Recount.ReadBack));

        var set = Read(
            ("Reconciliation:Schedule", "off"), ("Reconciliation:Delay", "01:00:00"), ("Reconciliation:LookBack", "2.00:00:00"), ("Reconciliation:ReadBack", "3.00:00:00"),
            ("Reconciliation:MemoryLimit", "268435456"), ("Reconciliation:Threads", "4")).Reconciliation;
        Assert.Equal(
            (false, TimeSpan.FromHours(1), TimeSpan.FromDays(2), TimeSpan.FromDays(3), 268435456L, 4),
            (set.IsScheduled, set.Schedule.Delay, set.Schedule.LookBack, set.Recount.ReadBack, set.Recount.MemoryLimit, set.Recount.Threads));
    }

    [Theory]
    [InlineData("Reconciliation:Schedule", "daily")]
    [InlineData("Reconciliation:Delay", "-00:00:01")]
    [InlineData("Reconciliation:LookBack", "00:00:00")]
    [InlineData("Reconciliation:ReadBack", "24:00:00")]
    [InlineData("Reconciliation:MemoryLimit", "1000")]
    [InlineData("Reconciliation:Threads", "0")]
    [InlineData("Reconciliation:Thread", "2")]
    public void A_wrong_setting_of_reconciliation_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read((name, value)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }
}
