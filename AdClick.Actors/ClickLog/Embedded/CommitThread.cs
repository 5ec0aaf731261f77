using System.Collections.Concurrent;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// A thread that commits for some partitions, each in turn when it has something to write. Threads of our own, because a write blocks until it is on
/// disk: on the pool of a machine with two cores, eight such writes would keep everything else waiting.
/// </summary>
internal sealed class CommitThread : IDisposable
{
    private readonly ConcurrentQueue<EmbeddedPartition?> _due = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    public CommitThread(int number)
    {
        _thread = new Thread(Run) { Name = $"adclick-log-{number}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Has a partition do its work soon.</summary>
    public void Enqueue(EmbeddedPartition partition)
    {
        _due.Enqueue(partition);
        _signal.Release();
    }

    /// <summary>Ends the thread after what is enqueued, and waits for that.</summary>
    public void Dispose()
    {
        _due.Enqueue(null);
        _signal.Release();
        _thread.Join();
        _signal.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _signal.Wait();
            _due.TryDequeue(out var partition);
            if (partition is null)
            {
                return;
            }

            partition.Work();
        }
    }
}
