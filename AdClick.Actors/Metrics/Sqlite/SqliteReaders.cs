using System.Collections.Concurrent;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// A few connections that only read, each on a thread of its own: SQLite's calls block, and must not hold the thread pool's threads. With the
/// write-ahead log a reader neither waits for the writer nor makes it wait; each job sees one snapshot.
/// </summary>
internal sealed class SqliteReaders : IDisposable
{
    /// <summary>Jobs that may wait; a longer queue could not be answered within anyone's patience.</summary>
    private const int MaxWaiting = 4096;

    private const int CacheKiB = 16 * 1024;

    private readonly BlockingCollection<StoreJob> _jobs = new(MaxWaiting);
    private readonly string _file;
    private readonly Thread[] _threads;

    public SqliteReaders(string file, int connections)
    {
        _file = file;
        _threads = new Thread[connections];
        for (var i = 0; i < connections; i++)
        {
            _threads[i] = new Thread(Work) { Name = $"metrics-reader-{i}", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Runs a job in a read transaction. A cancellation takes it out of the queue, or interrupts it.</summary>
    public Task<T> RunAsync<T>(Func<SqliteDatabase, T> work, CancellationToken cancellationToken)
    {
        var job = new StoreJob<T>(work, cancellationToken);
        try
        {
            if (!_jobs.TryAdd(job))
            {
                job.Fail(new MetricsStoreUnavailableException($"The metrics database {_file} has {MaxWaiting} questions waiting; ask again later."));
            }
        }
        catch (InvalidOperationException)
        {
            job.Fail(new ObjectDisposedException(nameof(SqliteMetricsStore)));
        }

        return job.Completion;
    }

    /// <summary>Answers the jobs that wait, and closes the connections.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }

    private void Work()
    {
        SqliteDatabase? database = null;
        foreach (var job in _jobs.GetConsumingEnumerable())
        {
            if (!job.TryStart())
            {
                continue;
            }

            try
            {
                database ??= Open();
                database.Run("BEGIN");
                job.RunInterruptibly(database);
                database.Run("COMMIT");
            }
            catch (Exception e)
            {
                database?.Abandon();
                if (e is IOException)
                {
                    database?.Dispose();
                    database = null;
                }

                job.Fail(e);
                continue;
            }

            job.Succeed();
        }

        database?.Dispose();
    }

    private SqliteDatabase Open()
    {
        var database = SqliteDatabase.Open(_file, create: false);
        database.Pragma("query_only", 1);
        database.Pragma("cache_size", -CacheKiB);
        return database;
    }
}
