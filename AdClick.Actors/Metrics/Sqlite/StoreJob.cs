namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>A piece of work that waits for a thread with a connection.</summary>
internal abstract class StoreJob
{
    private const int Waiting = 0;
    private const int Running = 1;
    private const int Done = 2;

    private readonly Lock _gate = new();
    private int _state;
    private SqliteDatabase? _interruptible;

    /// <summary>Takes the job out of waiting; false when it was cancelled there.</summary>
    public bool TryStart() => Interlocked.CompareExchange(ref _state, Running, Waiting) == Waiting;

    /// <summary>Does the work; its outcome is kept until <see cref="Succeed"/>.</summary>
    public abstract void Run(SqliteDatabase database);

    /// <summary>Does the work so that a cancellation interrupts it.</summary>
    public void RunInterruptibly(SqliteDatabase database)
    {
        lock (_gate)
        {
            _interruptible = database;
        }

        try
        {
            Run(database);
        }
        finally
        {
            // From here on a cancellation can't hit what runs next on this connection.
            lock (_gate)
            {
                _interruptible = null;
            }
        }
    }

    /// <summary>Gives the kept outcome to whoever waits.</summary>
    public abstract void Succeed();

    /// <summary>Tells whoever waits what went wrong.</summary>
    public abstract void Fail(Exception failure);

    protected void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, Done, Waiting) == Waiting)
        {
            Cancelled();
            return;
        }

        lock (_gate)
        {
            _interruptible?.Interrupt();
        }
    }

    protected abstract void Cancelled();
}

/// <inheritdoc/>
internal sealed class StoreJob<T> : StoreJob
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteDatabase, T> _work;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenRegistration _registration;
    private T? _outcome;

    public StoreJob(Func<SqliteDatabase, T> work, CancellationToken cancellationToken)
    {
        _work = work;
        _cancellationToken = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static job => ((StoreJob<T>)job!).Cancel(), this);
    }

    public Task<T> Completion => _completion.Task;

    public override void Run(SqliteDatabase database) => _outcome = _work(database);

    public override void Succeed()
    {
        _registration.Dispose();
        _completion.TrySetResult(_outcome!);
    }

    public override void Fail(Exception failure)
    {
        _registration.Dispose();
        if (failure is OperationCanceledException && _cancellationToken.IsCancellationRequested)
        {
            _completion.TrySetCanceled(_cancellationToken);
        }
        else
        {
            _completion.TrySetException(failure);
        }
    }

    protected override void Cancelled() => _completion.TrySetCanceled(_cancellationToken);
}
