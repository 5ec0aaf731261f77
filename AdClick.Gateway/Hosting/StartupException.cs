namespace AdClick.Gateway.Hosting;

/// <summary>The program can't start with what it found. The message is for the operator; the exit code is 2.</summary>
public sealed class StartupException : Exception
{
    /// <summary>Exit code of a start that was refused.</summary>
    public const int ExitCode = 2;

    /// <summary>Says what was found, where, and what to do.</summary>
    public StartupException(string message, Exception? inner = null) : base(message, inner) { }
}
