using System.Diagnostics;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// A thread that commits for some partitions, each in turn when it has something to write. Threads of our own, because a write blocks until it is on
/// disk: on the pool of a machine with two cores, eight such writes would keep everything else waiting.
/// </summary>
internal sealed class CommitThread : IDisposable
{
    /// <summary>
    /// Rounds begin no closer together than this. The first click after a pause is written at once; under load the pause lets a few clicks share a write, each of
    /// which costs the processor as much as several clicks do.
    /// </summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(2);

    private readonly object _gate = new(); // a monitor: waiting for it does not spin, which would take the processor from those who work
    private readonly Thread _thread;
    private List<EmbeddedPartition> _due = [];
    private bool _isEnding;

    /// <summary>Starts the thread.</summary>
    public CommitThread(int number)
    {
        _thread = new Thread(Run) { Name = $"adclick-log-{number}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Has a partition do its work soon.</summary>
    public void Enqueue(EmbeddedPartition partition)
    {
        lock (_gate)
        {
            _due.Add(partition);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends the thread after what is enqueued, and waits for that.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        var round = new List<EmbeddedPartition>();
        var began = 0L;
        while (WaitForWork())
        {
            var rest = MinInterval - Stopwatch.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
            {
                Thread.Sleep((int)Math.Ceiling(rest.TotalMilliseconds));
            }

            began = Stopwatch.GetTimestamp();
            lock (_gate)
            {
                (round, _due) = (_due, round);
            }

            foreach (var partition in round)
            {
                partition.Work();
            }

            round.Clear();
        }
    }

    // False when the thread is to end and nothing is left to do.
    private bool WaitForWork()
    {
        lock (_gate)
        {
            while (_due.Count == 0)
            {
                if (_isEnding)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            return true;
        }
    }
}
