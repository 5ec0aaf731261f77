using System.Globalization;
using System.Security.Cryptography;

namespace AdClick.Actors.Lake;

/// <summary>How the files of the lake are called. docs/lake.md describes it.</summary>
internal static class LakeFileName
{
    /// <summary>Clicks.</summary>
    public const string Clicks = "clicks";

    /// <summary>Records that can't be counted.</summary>
    public const string Rejected = "rejected";

    /// <summary>Whether a file holds clicks.</summary>
    public static bool IsOfClicks(string name) => name.StartsWith(Clicks + "/", StringComparison.Ordinal);

    /// <summary>A name without the random number at its end: what files with the same hour and cut have in common.</summary>
    public static string WithoutRandom(string name) => name[..Math.Max(0, name.LastIndexOf('-'))];

    /// <summary>What all files of a partition begin with.</summary>
    public static string PrefixOf(Guid logEpoch, int partition) => string.Create(CultureInfo.InvariantCulture, $"{logEpoch:N}-{partition:D4}-");

    /// <summary>
    /// The name of a file. It ends in a random number, so that no two files ever have one name: what a writer that has lost its partition leaves behind can be
    /// removed while its successor writes.
    /// </summary>
    /// <param name="kind"><see cref="Clicks"/> or <see cref="Rejected"/>.</param>
    /// <param name="hour">UTC hour since 1970-01-01T00Z.</param>
    /// <param name="logEpoch">The log.</param>
    /// <param name="partition">Partition.</param>
    /// <param name="firstOffset">First offset of the cut.</param>
    /// <param name="endOffset">Offset after its last.</param>
    public static string New(string kind, int hour, Guid logEpoch, int partition, long firstOffset, long endOffset)
    {
        var start = DateTime.UnixEpoch.AddHours(hour);
        var unique = RandomNumberGenerator.GetHexString(12, lowercase: true);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{kind}/date={start:yyyy-MM-dd}/hour={start:HH}/{PrefixOf(logEpoch, partition)}{firstOffset:D12}-{endOffset - 1:D12}-{unique}.parquet");
    }
}
