namespace AdClick.Actors.Lake.Receipts;

/// <summary>How far and how long a receipt is looked for.</summary>
public sealed record ReceiptSettings
{
    /// <summary>How long an impression may be clicked; a click says when its own ends.</summary>
    public required TimeSpan ImpressionLifetime { get; init; }

    /// <summary>Allowed lateness, for a partition that has not told its own yet.</summary>
    public required TimeSpan AllowedLateness { get; init; }

    /// <summary>Bytes of files that are read for one receipt, at most. Default 2 GiB.</summary>
    public long MaxBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>Records of the click log that are read for one receipt, at most: what is not archived yet. Default 2,000,000.</summary>
    public long MaxLogRecords { get; init; } = 2_000_000;

    /// <summary>How long a receipt may take, waiting for its turn included. Default 30 s.</summary>
    public TimeSpan TimeOut { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A receipt would take more reading than one may.</summary>
public sealed class ReceiptTooBroadException : InvalidOperationException
{
    /// <summary>Says how much it is.</summary>
    public ReceiptTooBroadException(string message) : base(message) { }
}
