using AdClick.Gateway.Hosting;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

public sealed partial class SettingsReaderTests
{
    [Fact]
    public void Clicks_go_to_a_lake_in_the_data_folder_unless_it_is_turned_off()
    {
        Assert.Equal("lake", Read().Lake?.Folder);
        Assert.Null(Read(("Lake:Storage", "off")).Lake);
        var lake = Read(("Lake:Folder", "/mnt/lake"), ("Lake:MaxRows", "5000"), ("Lake:MaxBytes", "2000000"), ("Lake:MaxAge", "00:01:00"), ("SkipLostClicks", "true")).Lake!;
        Assert.Equal("/mnt/lake", lake.Folder);
        Assert.Equal((5000, 2_000_000, TimeSpan.FromMinutes(1), true), (lake.Settings.MaxRows, lake.Settings.MaxBytes, lake.Settings.MaxAge, lake.Settings.SkipLostClicks));
    }

    [Theory]
    [InlineData("Lake:Storage", "tape")]
    [InlineData("Lake:MaxRows", "0")]
    [InlineData("Lake:MaxBytes", "1")]
    [InlineData("Lake:MaxAge", "00:00:00")]
    [InlineData("Lake:MaxAges", "00:01:00")]
    public void A_wrong_setting_of_the_lake_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read((name, value)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_for_a_lake_that_is_off_is_refused() => Assert.Contains(
        Assert.Throws<InvalidSettingsException>(() => Read(("Lake:Storage", "off"), ("Lake:Folder", "/mnt/lake"))).Problems,
        problem => problem.StartsWith("AdClick:Lake:Folder ", StringComparison.Ordinal));

    [Theory]
    [InlineData(null)]
    [InlineData("lake")]
    public void Nodes_of_a_cluster_have_no_lake_of_their_own(string? folder)
    {
        // Kafka and the database are missing as well, which other tests are about.
        var refused = Assert.Throws<InvalidSettingsException>(() => Read(("Cluster:Seeds", "node1:8081"), ("Lake:Storage", "folder"), ("Lake:Folder", folder!)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith("AdClick:Lake:Folder must be the absolute path", StringComparison.Ordinal));
    }
}
