namespace AdClick.Actors.Lake;

/// <summary>When a partition's clicks are put into files.</summary>
public sealed record LakeSettings
{
    /// <summary>Records of the log in one cut, at most. Default 250,000: files of some 15 MB, made in some 80 MB of memory.</summary>
    public int MaxRows { get; init; } = 250_000;

    /// <summary>Bytes of log records in one cut, at most. Default 64 MiB.</summary>
    public int MaxBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long records wait for a cut, at most, while there are fewer than <see cref="MaxRows"/>. Default 15 min.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Time between two looks at the end of the log. Default 1 s.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>First pause after a failure; doubles up to <see cref="MaxBackOff"/>. Default 1 s.</summary>
    public TimeSpan MinBackOff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause after a failure. Default 30 s.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether the archive goes on where the log has let go of records that are not archived. Default false: it waits for a person.</summary>
    public bool SkipLostClicks { get; init; }
}
