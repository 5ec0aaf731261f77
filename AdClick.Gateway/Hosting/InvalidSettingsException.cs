namespace AdClick.Gateway.Hosting;

/// <summary>Settings that the program refuses to start with, each by its name and with what it must be.</summary>
public sealed class InvalidSettingsException : Exception
{
    /// <summary>One sentence for each wrong setting.</summary>
    public InvalidSettingsException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>One sentence for each wrong setting.</summary>
    public IReadOnlyList<string> Problems { get; }
}
