using System.Collections.Concurrent;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// The one connection that writes, on a thread of its own: SQLite has one writer at a time, and its calls block until the disk has the data. Jobs
/// that wait together share a transaction, and so one sync of the disk.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int MaxJobsPerTransaction = 32;
    private const int CacheKiB = 64 * 1024;
    private const int CheckpointPages = 4_000; // 16 MiB
    private const int MaxIdleLogBytes = 64 * 1024 * 1024; // what a log keeps that grew behind a slow reader

    private readonly BlockingCollection<StoreJob> _jobs = [];
    private readonly string _file;
    private readonly Thread _thread;
    private SqliteDatabase? _database;

    /// <summary>Takes over a connection to a migrated database, made ready by <see cref="Prepare"/>.</summary>
    public SqliteWriter(SqliteDatabase database)
    {
        _file = database.File;
        _database = database;
        _thread = new Thread(Work) { Name = "metrics-writer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Ad numbers as of the last commit; for jobs only.</summary>
    public AdNumbers Ads { get; } = new();

    /// <summary>Makes a connection one that writes.</summary>
    public static void Prepare(SqliteDatabase database)
    {
        var mode = database.ReadText("PRAGMA journal_mode = WAL");
        if (mode != "wal")
        {
            throw new MetricsStoreUnavailableException(
                $"The metrics database {database.File} can't use a write-ahead log (SQLite answered '{mode}'); its folder must be on a local, "
                + "writable file system.");
        }

        // A checkpoint of the partition's journal and the truncation of the click log rest on what was committed here.
        database.Execute("PRAGMA synchronous = FULL");
        database.Pragma("cache_size", -CacheKiB);

        // Pages go home in the commit that finds so many waiting: rarely enough to be written once for many changes, soon enough to be short.
        database.Pragma("wal_autocheckpoint", CheckpointPages);
        database.Pragma("journal_size_limit", MaxIdleLogBytes);
    }

    /// <summary>
    /// Runs a job in a transaction. It may be run again after a rollback; what it refuses (<see cref="StaleOwnerException"/>,
    /// <see cref="LogMismatchException"/>) it refuses before it writes.
    /// </summary>
    public Task<T> RunAsync<T>(Func<SqliteDatabase, T> work, CancellationToken cancellationToken)
    {
        var job = new StoreJob<T>(work, cancellationToken);
        try
        {
            _jobs.Add(job, CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            job.Fail(new ObjectDisposedException(nameof(SqliteMetricsStore)));
        }

        return job.Completion;
    }

    /// <summary>Finishes the jobs that wait, and closes the connection. Again and again, if need be.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
    }

    private void Work()
    {
        var group = new List<StoreJob>();
        foreach (var first in _jobs.GetConsumingEnumerable())
        {
            group.Clear();
            for (var job = first; job is not null; job = group.Count < MaxJobsPerTransaction && _jobs.TryTake(out var next) ? next : null)
            {
                if (job.TryStart())
                {
                    group.Add(job);
                }
            }

            RunTogether(group);
        }

        _database?.Dispose();
    }

    private void RunTogether(List<StoreJob> group)
    {
        if (group.Count == 0)
        {
            return;
        }

        var refusals = new Exception?[group.Count];
        try
        {
            if (_database is null)
            {
                _database = SqliteDatabase.Open(_file, create: false);
                Prepare(_database);
            }

            _database.Run("BEGIN IMMEDIATE");
            for (var i = 0; i < group.Count; i++)
            {
                try
                {
                    group[i].Run(_database);
                }
                catch (Exception e) when (e is StaleOwnerException or LogMismatchException)
                {
                    refusals[i] = e; // it has written nothing; the others are none the worse for it
                }
            }

            _database.Run("COMMIT");
            Ads.Commit();
        }
        catch (Exception e)
        {
            TakeBack(e);
            if (group.Count == 1)
            {
                group[0].Fail(e);
                return;
            }

            // Whichever it was, it fails alone.
            foreach (var job in group)
            {
                RunTogether([job]);
            }

            return;
        }

        for (var i = 0; i < group.Count; i++)
        {
            if (refusals[i] is { } refusal)
            {
                group[i].Fail(refusal);
            }
            else
            {
                group[i].Succeed();
            }
        }
    }

    private void TakeBack(Exception failure)
    {
        Ads.Rollback();
        _database?.Abandon();
        if (failure is IOException)
        {
            // A connection that met a full or read-only disk may go on believing in it: the next job gets a new one.
            _database?.Dispose();
            _database = null;
        }
    }
}
