using System.Globalization;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Load;

/// <summary>What can be done to the database server under load.</summary>
internal enum DatabaseFaultKind
{
    /// <summary>It is stopped, and started again.</summary>
    Down,

    /// <summary>It ends at once, as by kill -9, and recovers when it is started again.</summary>
    Crash,
}

/// <summary>A fault of the database server in a load run.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="At">When, from the begin of the load.</param>
/// <param name="For">How long.</param>
internal sealed record DatabaseFault(DatabaseFaultKind Kind, TimeSpan At, TimeSpan For)
{
    /// <summary>How a fault is written on the command line.</summary>
    public static string Form => $"KIND@AT+FOR, in seconds, such as down@10+60; KIND is one of {string.Join(", ", Enum.GetNames<DatabaseFaultKind>())}";

    /// <summary>Reads <see cref="Form"/>.</summary>
    /// <exception cref="ArgumentException">It is written otherwise.</exception>
    public static DatabaseFault Parse(string text)
    {
        var parts = text.Split('@', '+');
        return parts.Length == 3
            && Enum.TryParse<DatabaseFaultKind>(parts[0], ignoreCase: true, out var kind) && Enum.IsDefined(kind) && !char.IsAsciiDigit(parts[0][0])
            && double.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var at)
            && double.TryParse(parts[2], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var length)
            ? new DatabaseFault(kind, TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(length))
            : throw new ArgumentException($"The fault '{text}' must be written {Form}.", nameof(text));
    }

    /// <summary>Makes it happen, and ends it.</summary>
    /// <param name="database">The server.</param>
    /// <param name="progress">Takes a line at begin and end.</param>
    public async Task RunAsync(PostgresServerProcess database, TextWriter progress)
    {
        await Task.Delay(At);
        progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Database {Kind} for {For.TotalSeconds} s."));
        await (Kind == DatabaseFaultKind.Crash ? database.CrashAsync() : database.StopAsync());
        await Task.Delay(For);
        await database.StartAsync();
        progress.WriteLine($"Database {Kind} is over.");
    }
}
