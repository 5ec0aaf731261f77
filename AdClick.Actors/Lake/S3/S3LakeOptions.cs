namespace AdClick.Actors.Lake.S3;

/// <summary>A lake in a bucket.</summary>
public sealed record S3LakeOptions
{
    /// <summary>Bucket; it must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What all names in the bucket begin with, with a slash at its end; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Where the service is; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Region; null where the SDK finds it by itself (environment, profile, instance).</summary>
    public string? Region { get; init; }

    /// <summary>Access key ID; null where the SDK finds credentials by itself.</summary>
    public string? AccessKeyId { get; init; }

    /// <summary>Secret of that key; never printed.</summary>
    public string? SecretAccessKey { get; init; }

    /// <summary>Whether the bucket stands in the path of requests rather than in the host's name; most services that are not AWS want that.</summary>
    public bool PathStyle { get; init; }

    /// <summary>A file above this size is sent in parts of this size. Default 32 MiB; S3 takes no parts below 5 MiB.</summary>
    public int PartBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Objects that one answer lists, at most. Default 1,000, which is the most that S3 gives.</summary>
    public int PageKeys { get; init; } = 1_000;

    /// <inheritdoc/>
    public override string ToString() => $"s3://{Bucket}/{Prefix}{(Endpoint is null ? "" : $" at {Endpoint}")}";
}
