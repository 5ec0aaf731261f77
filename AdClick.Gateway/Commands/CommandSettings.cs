using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Commands;

/// <summary>Settings on the command line: <c>--Name=value</c> or <c>--Name value</c>. A word that is neither is a mistake, not a setting.</summary>
internal static class CommandSettings
{
    /// <summary>The words as the configuration reads them.</summary>
    /// <exception cref="InvalidSettingsException">A word belongs to no setting.</exception>
    public static string[] Of(IReadOnlyList<string> words)
    {
        var isValueExpected = false;
        var problems = new List<string>();
        foreach (var word in words)
        {
            var isName = word.StartsWith("--", StringComparison.Ordinal);
            if (!isName && !isValueExpected)
            {
                problems.Add($"'{word}' is neither a command nor a setting; --help lists the commands.");
            }
            else if (isName && isValueExpected)
            {
                problems.Add($"A setting before '{word}' has no value.");
            }

            isValueExpected = isName && !word.Contains('=', StringComparison.Ordinal);
        }

        if (isValueExpected)
        {
            problems.Add($"The setting '{words[^1]}' has no value.");
        }

        return problems.Count == 0 ? [.. words] : throw new InvalidSettingsException(problems);
    }
}
