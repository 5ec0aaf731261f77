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
    [InlineData("Lake:Retention", "soon")]
    [InlineData("Lake:Retention", "2.00:00:00")] // a day of life, an hour of lateness, and a day
    [InlineData("Lake:S3", "bucket")]
    public void A_wrong_setting_of_the_lake_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read((name, value)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_for_a_lake_that_is_off_is_refused() => Assert.Contains(
        Assert.Throws<InvalidSettingsException>(() => Read(("Lake:Storage", "off"), ("Lake:Folder", "/mnt/lake"))).Problems,
        problem => problem.StartsWith("AdClick:Lake:Folder ", StringComparison.Ordinal));

    [Fact]
    public void The_lake_may_be_in_a_bucket_whose_secrets_are_not_printed()
    {
        var lake = Read(
            ("Lake:Storage", "s3"), ("Lake:S3:Bucket", "clicks-eu"), ("Lake:S3:Prefix", "adclick/lake"), ("Lake:S3:Endpoint", "https://s3.example:9000"), ("Lake:S3:Region", "eu-central-1"),
            ("Lake:S3:AccessKeyId", "id"), ("Lake:S3:SecretAccessKey", "the-secret"), ("Lake:S3:PathStyle", "true"), ("Lake:Retention", "2.01:00:00")).Lake!;
        Assert.Equal(
            ("clicks-eu", "adclick/lake/", "https://s3.example:9000/", "eu-central-1", "id", "the-secret", true),
            (lake.S3!.Bucket, lake.S3.Prefix, lake.S3.Endpoint!.ToString(), lake.S3.Region, lake.S3.AccessKeyId, lake.S3.SecretAccessKey, lake.S3.PathStyle));
        Assert.Equal(new TimeSpan(2, 1, 0, 0), lake.Retention);
        Assert.DoesNotContain("the-secret", lake.ToString(), StringComparison.Ordinal);
        Assert.Equal("", Read(("Lake:Storage", "s3"), ("Lake:S3:Bucket", "clicks-eu")).Lake!.S3!.Prefix);
    }

    [Theory]
    [InlineData("Lake:S3:Bucket", null)]
    [InlineData("Lake:S3:Bucket", "No_Bucket")]
    [InlineData("Lake:S3:Prefix", "/a")]
    [InlineData("Lake:S3:Prefix", "a//b")]
    [InlineData("Lake:S3:Endpoint", "s3.example")]
    [InlineData("Lake:S3:Endpoint", "https://user:the-secret@s3.example/")]
    [InlineData("Lake:S3:Region", "Frankfurt am Main")]
    [InlineData("Lake:S3:PathStyle", "maybe")]
    [InlineData("Lake:S3:Buckets", "a")]
    [InlineData("Lake:S3:SecretAccessKey", "the-secret", "Lake:S3:AccessKeyId")]
    [InlineData("Lake:S3:AccessKeyId", "id", "Lake:S3:SecretAccessKey")]
    [InlineData("Lake:Folder", "lake")]
    public void A_wrong_setting_of_the_bucket_is_refused_by_name(string name, string? value, string? named = null)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read([("Lake:Storage", "s3"), ("Lake:S3:Bucket", name == "Lake:S3:Bucket" ? value! : "clicks"), .. name == "Lake:S3:Bucket" ? [] : ((string, string)[])[(name, value!)]]));
        Assert.StartsWith($"AdClick:{named ?? name} ", Assert.Single(refused.Problems), StringComparison.Ordinal);
        Assert.DoesNotContain("the-secret", refused.Problems[0], StringComparison.Ordinal);
    }

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
