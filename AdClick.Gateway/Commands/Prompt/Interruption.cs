using System.Runtime.InteropServices;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>What Ctrl-C ends: the command that is running.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private readonly bool _outlivesIt;
    private volatile CancellationTokenSource? _running;

    /// <summary>Listens from now on.</summary>
    /// <param name="outlivesIt">Whether the program goes on when Ctrl-C comes while no command runs.</param>
    public Interruption(bool outlivesIt)
    {
        _outlivesIt = outlivesIt;
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt);
    }

    /// <summary>Runs something that Ctrl-C ends.</summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> command)
    {
        using var running = new CancellationTokenSource();
        _running = running;
        try
        {
            return await command(running.Token);
        }
        finally
        {
            _running = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _registration.Dispose();

    private void OnInterrupt(PosixSignalContext signal)
    {
        var running = _running;
        signal.Cancel = _outlivesIt || running is not null;
        try
        {
            running?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }
}
