using AdClick.Actors.Metrics.Postgres;
using Npgsql;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings of <c>AdClick:Database=postgres</c>.</summary>
internal sealed partial class SettingsReader
{
    private const string Primary = "ConnectionStrings:AdClick";
    private const string Replica = "ConnectionStrings:AdClickReplica";

    private PostgresOptions? Postgres()
    {
        var isPostgres = OneOf("Database", "sqlite", "postgres") == "postgres";
        var primary = ConnectionString(Primary);
        var replica = ConnectionString(Replica);
        var retention = Text("MetricsRetention") is null
            ? (TimeSpan?)null
            : Span("MetricsRetention", PostgresMetricsStore.MinRetention, PostgresMetricsStore.MinRetention, TimeSpan.FromDays(3650));
        if (!isPostgres)
        {
            foreach (var (name, isSet) in (ReadOnlySpan<(string, bool)>)[(Primary, primary is not null), (Replica, replica is not null), ("AdClick:MetricsRetention", retention is not null)])
            {
                if (isSet)
                {
                    _problems.Add($"{name} is set, but AdClick:Database is not 'postgres'.");
                }
            }

            return null;
        }

        if (primary is null && !_problems.Exists(problem => problem.StartsWith(Primary + " ", StringComparison.Ordinal)))
        {
            _problems.Add($"{Primary} is missing: with AdClick:Database 'postgres', it says where the database is, such as Host=db;Database=adclick;Username=adclick;Password=….");
        }

        return new PostgresOptions(primary ?? "", replica, retention);
    }

    private string? ConnectionString(string name)
    {
        if (string.IsNullOrWhiteSpace(_configuration[name]))
        {
            return null;
        }

        try
        {
            var settings = new NpgsqlConnectionStringBuilder(_configuration[name]);
            if (string.IsNullOrEmpty(settings.Host))
            {
                _problems.Add($"{name} names no Host.");
                return null;
            }

            // Values that contradict each other are found when they are put to use; no connection is opened.
            NpgsqlDataSource.Create(settings).Dispose();
            return _configuration[name];
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException or InvalidOperationException or NotSupportedException)
        {
            // The parser's message may repeat the password.
            _problems.Add($"{name} is not a connection string as Npgsql reads it (KEY=VALUE with semicolons between): a key is unknown, its value is not one, or two values contradict each other.");
        }

        return null;
    }
}
