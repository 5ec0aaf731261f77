using System.Text.RegularExpressions;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.S3;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings of the data lake, <c>AdClick:Lake:…</c>.</summary>
internal sealed partial class SettingsReader
{
    /// <summary>What is kept at least beyond the time in which an impression's clicks can come: time to re-count an hour, and to ask for a receipt.</summary>
    private static readonly TimeSpan LeastLakeMargin = TimeSpan.FromDays(1);

    private LakeOptions? Lake(bool isInCluster, bool skipLostClicks, TimeSpan impressionLifetime, TimeSpan allowedLateness)
    {
        _known.Add("Lake");
        RefuseUnknown("Lake", "Storage", "Folder", "S3", "MaxRows", "MaxBytes", "MaxAge", "Retention");
        RefuseUnknown("Lake:S3", "Bucket", "Prefix", "Endpoint", "Region", "AccessKeyId", "SecretAccessKey", "PathStyle");

        // Nodes of a cluster must see one lake: a folder of each node's own would hold a part of it, and nobody would know which.
        var storage = isInCluster ? OneOf("Lake:Storage", "off", "folder", "s3") : OneOf("Lake:Storage", "folder", "s3", "off");
        var defaults = new LakeSettings { SkipLostClicks = skipLostClicks };
        var folder = Text("Lake:Folder");
        var settings = defaults with
        {
            MaxRows = Number("Lake:MaxRows", defaults.MaxRows, 1_000, 10_000_000),
            MaxBytes = Number("Lake:MaxBytes", defaults.MaxBytes, 1024 * 1024, 1024 * 1024 * 1024),
            MaxAge = Span("Lake:MaxAge", defaults.MaxAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
        };
        if (storage == "folder" && isInCluster && (folder is null || !Path.IsPathFullyQualified(folder)))
        {
            Refuse("Lake:Folder", "must be the absolute path of a folder that all nodes share, such as a network file system: AdClick:Cluster is set, and AdClick:Lake:Storage is 'folder'");
        }

        if (storage != "folder" && folder is not null)
        {
            Refuse("Lake:Folder", $"is set, but AdClick:Lake:Storage is '{storage}'");
        }

        var s3 = S3(storage == "s3");
        var retention = LakeRetention(storage != "off", impressionLifetime, allowedLateness);
        return storage == "off" ? null : new LakeOptions(folder ?? "lake", settings) { S3 = s3, Retention = retention };
    }

    private TimeSpan? LakeRetention(bool isOn, TimeSpan impressionLifetime, TimeSpan allowedLateness)
    {
        if (Text("Lake:Retention") is null)
        {
            return null;
        }

        if (!isOn)
        {
            Refuse("Lake:Retention", "is set, but AdClick:Lake:Storage is 'off'");
        }

        var retention = Span("Lake:Retention", TimeSpan.MaxValue, TimeSpan.FromDays(1), TimeSpan.FromDays(36_500));
        var least = impressionLifetime + allowedLateness + LeastLakeMargin;
        if (retention < least)
        {
            Refuse(
                "Lake:Retention",
                $"must be at least {least:c}: AdClick:ImpressionLifetime and AdClick:AllowedLateness, for which clicks of an impression can come, and a day to re-count them. It is {retention:c}");
        }

        return retention;
    }

    private S3LakeOptions? S3(bool isWanted)
    {
        if (!isWanted)
        {
            if (_section.GetSection("Lake:S3").Exists())
            {
                Refuse("Lake:S3", "is set, but AdClick:Lake:Storage is not 's3'");
            }

            return null;
        }

        var bucket = Text("Lake:S3:Bucket");
        if (bucket is null || !BucketName().IsMatch(bucket))
        {
            Refuse(
                "Lake:S3:Bucket",
                bucket is null ? "is missing: with AdClick:Lake:Storage 's3' it names the bucket" : $"must be the name of a bucket, 3 to 63 of a-z 0-9 . and -, not '{bucket}'");
        }

        var (keyId, secret) = (Text("Lake:S3:AccessKeyId"), Text("Lake:S3:SecretAccessKey"));
        if (keyId is null != secret is null)
        {
            Refuse(
                keyId is null ? "Lake:S3:AccessKeyId" : "Lake:S3:SecretAccessKey",
                "is missing: both are needed, or neither, for credentials that the AWS SDK finds by itself (environment, profile, instance)");
        }

        var endpoint = Endpoint();
        var region = Text("Lake:S3:Region");
        if (region is not null && !RegionName().IsMatch(region))
        {
            Refuse("Lake:S3:Region", $"must be the name of a region, such as eu-central-1, not '{region}'");
            region = null;
        }

        return new S3LakeOptions
        {
            Bucket = bucket ?? "",
            Prefix = S3Prefix(),
            Endpoint = endpoint,
            Region = region,
            AccessKeyId = keyId,
            SecretAccessKey = secret,
            PathStyle = Flag("Lake:S3:PathStyle"),
        };
    }

    private Uri? Endpoint()
    {
        if (Text("Lake:S3:Endpoint") is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0)
        {
            return uri;
        }

        Refuse("Lake:S3:Endpoint", "must be the http or https URL of a service that speaks S3, without user, path or query, such as https://s3.example:9000"); // it may hold a password
        return null;
    }

    private string S3Prefix()
    {
        var prefix = Text("Lake:S3:Prefix")?.TrimEnd('/') ?? "";
        if (prefix.Length > 512 || prefix.StartsWith('/') || !S3PrefixText().IsMatch(prefix))
        {
            Refuse("Lake:S3:Prefix", $"must be at most 512 of A-Z a-z 0-9 _ - . = with slashes between, not '{prefix}'");
        }

        return prefix.Length == 0 ? "" : prefix + "/";
    }

    private void RefuseUnknown(string section, params string[] names)
    {
        foreach (var child in _section.GetSection(section).GetChildren().Where(child => !names.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            Refuse($"{section}:{child.Key}", "is not a setting of AdClick; docs/operations.md lists them");
        }
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    private static partial Regex BucketName();

    [GeneratedRegex("^[a-z0-9-]{1,64}$")]
    private static partial Regex RegionName();

    [GeneratedRegex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$")]
    private static partial Regex S3PrefixText();
}
