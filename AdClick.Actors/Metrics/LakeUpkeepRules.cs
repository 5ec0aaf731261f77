namespace AdClick.Actors.Metrics;

/// <summary>What every store keeps of turns, in the same words.</summary>
internal static class LakeUpkeepRules
{
    /// <summary>Files that are handled in one transaction.</summary>
    public const int FilesAtOnce = 500;

    /// <summary>How long a turn goes on after a write under it.</summary>
    public const long TurnMs = 5 * 60_000;

    /// <summary>The refusal of a turn that is over.</summary>
    public static StaleOwnerException Over(long turn) => new($"Turn {turn} of the lake's upkeep is over: another node is at it.");

    /// <summary>The refusal of a file that counts no longer.</summary>
    public static InvalidOperationException NotThere(NotedLakeFile file) => new($"File {file.File.Name} is no longer one of the lake's.");
}
