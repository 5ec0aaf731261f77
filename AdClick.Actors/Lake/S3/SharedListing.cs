namespace AdClick.Actors.Lake.S3;

/// <summary>
/// A listing of everything that several share who ask for parts of it at the same time. It begins after they have asked, so that nothing is missing in it that was
/// there then.
/// </summary>
/// <param name="listAll">Lists everything once.</param>
internal sealed class SharedListing(Func<Action<string>, CancellationToken, Task<bool>> listAll)
{
    private readonly Lock _gate = new();
    private List<Asker> _waiting = [];
    private bool _isRunning;

    /// <summary>The names whose last part begins like this.</summary>
    public async Task<IReadOnlyList<string>> FindAsync(string prefix, CancellationToken cancellationToken)
    {
        var asker = new Asker(prefix);
        lock (_gate)
        {
            _waiting.Add(asker);
            if (!_isRunning)
            {
                _isRunning = true;
                _ = Task.Run(RunAsync, CancellationToken.None);
            }
        }

        return await asker.Found.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (true)
        {
            List<Asker> askers;
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    _isRunning = false;
                    return;
                }

                (askers, _waiting) = (_waiting, []);
            }

            try
            {
                await listAll(
                    name =>
                    {
                        foreach (var asker in askers)
                        {
                            asker.Look(name);
                        }
                    },
                    CancellationToken.None).ConfigureAwait(false);
                askers.ForEach(asker => asker.Found.SetResult(asker.Names));
            }
#pragma warning disable CA1031 // Whoever asked is told.
            catch (Exception e)
#pragma warning restore CA1031
            {
                askers.ForEach(asker => asker.Found.SetException(e));
            }
        }
    }

    private sealed class Asker(string prefix)
    {
        public List<string> Names { get; } = [];

        public TaskCompletionSource<IReadOnlyList<string>> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Look(string name)
        {
            if (name.AsSpan(name.LastIndexOf('/') + 1).StartsWith(prefix, StringComparison.Ordinal))
            {
                Names.Add(name);
            }
        }
    }
}
