namespace AdClick.Gateway.Commands;

/// <summary>Has a running node re-count hours: the console's commands <c>clicks reconcile</c> and the like, in the words of the command line.</summary>
internal static class ReconcileCommand
{
    /// <summary>Asks the node; gives the exit code, which is <see cref="PbmCommand"/>'s.</summary>
    /// <param name="from">First hour.</param>
    /// <param name="to">Hour after the last.</param>
    /// <param name="rules">Other rules; null to re-count by those of the counting.</param>
    /// <param name="isConfirmed">Whether <c>--yes</c> was given.</param>
    /// <param name="rest">The node's address, and settings.</param>
    public static Task<int> RunAsync(string from, string to, OtherRules? rules, bool isConfirmed, IReadOnlyList<string> rest)
    {
        List<string> words = ["clicks", rules is null ? "reconcile" : rules.IsApplied ? "reconcile-apply" : "reconcile-rules", "--from", from, "--to", to];
        foreach (var (name, value) in rules is null ? [] : new[] { ("--bots", rules.Bots), ("--lifetime", rules.Lifetime), ("--lateness", rules.Lateness) })
        {
            words.AddRange(value is null ? [] : [name, value]);
        }

        // An address goes before the command.
        var isAddress = rest.Count > 0 && !rest[0].StartsWith("--", StringComparison.Ordinal);
        return PbmCommand.RunAsync([.. rest.Take(isAddress ? 1 : 0), .. words, .. rest.Skip(isAddress ? 1 : 0)], isConfirmed, isJson: false);
    }

    /// <summary>Other rules, as they were given.</summary>
    /// <param name="Bots">Name of a list of bots.</param>
    /// <param name="Lifetime">Impression lifetime.</param>
    /// <param name="Lateness">Allowed lateness.</param>
    /// <param name="IsApplied">Whether answers are to show what they give.</param>
    internal sealed record OtherRules(string? Bots, string? Lifetime, string? Lateness, bool IsApplied);
}
