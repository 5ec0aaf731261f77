using Microsoft.Data.Sqlite;

namespace AdClick.Gateway.Hosting;

/// <summary>Looks at a SQLite file before anything relies on it, because a damaged journal found in the middle of a recovery helps nobody.</summary>
internal static class SqliteFileCheck
{
    private const int Corrupt = 11; // SQLITE_CORRUPT
    private const int NotADatabase = 26; // SQLITE_NOTADB

    /// <summary>Reads the whole file and checks its structure; passes when there is none yet.</summary>
    /// <exception cref="StartupException">The file is damaged or can't be read.</exception>
    public static void Check(string file)
    {
        if (!File.Exists(file))
        {
            return;
        }

        string? damage;
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA quick_check(1)";
            damage = command.ExecuteScalar() as string;
        }
        catch (SqliteException e) when (e.SqliteErrorCode is Corrupt or NotADatabase)
        {
            damage = e.Message;
        }
        catch (SqliteException e)
        {
            throw new StartupException($"{file} can't be opened: {e.Message} Check its owner, its mode and the disk.", e);
        }

        if (damage != "ok")
        {
            throw new StartupException(
                $"{file} is damaged: {damage} Restore it from a backup, or move it away together with its -wal and -shm files: if the click log still holds "
                + "every click since the beginning, all is counted again from there (docs/operations.md, \"Damage\").");
        }
    }
}
