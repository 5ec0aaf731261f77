using Microsoft.Data.Sqlite;

namespace AdClick.Benchmarks.Counting;

/// <summary>A data folder as a gateway lays it out, so that a gateway can be started on it.</summary>
internal sealed class CountingFolder
{
    /// <summary>Partitions of the log: the gateway's default.</summary>
    public const int Partitions = 8;

    /// <summary>The folder <c>data</c> of a parent; made if need be.</summary>
    public CountingFolder(string parent)
    {
        Path = System.IO.Path.Combine(parent, "data");
        Directory.CreateDirectory(Path);
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Folder of the click log.</summary>
    public string ClickLog => System.IO.Path.Combine(Path, "log");

    /// <summary>File of counts and progress.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.db");

    /// <summary>File of the journal.</summary>
    public string Journal => System.IO.Path.Combine(Path, "journal.db");

    /// <summary>File of the snapshots.</summary>
    public string Snapshots => System.IO.Path.Combine(Path, "snapshots.db");

    /// <summary>Size of a database with what stands beside it, in bytes.</summary>
    public static long SizeOf(string database) =>
        ((string[])[database, database + "-wal"]).Where(File.Exists).Sum(file => new FileInfo(file).Length);

    /// <summary>Size of the click log, in bytes.</summary>
    public long ClickLogSize => new DirectoryInfo(ClickLog).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    /// <summary>All clicks in the metrics database, by number of their outcome.</summary>
    public long[] ReadTotals()
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Metrics, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT outcome, sum(clicks) FROM click_minute GROUP BY outcome";
        using var rows = command.ExecuteReader();
        var totals = new long[Actors.Clicks.ClickOutcomes.Count];
        while (rows.Read())
        {
            totals[rows.GetInt32(0)] = rows.GetInt64(1);
        }

        return totals;
    }
}
