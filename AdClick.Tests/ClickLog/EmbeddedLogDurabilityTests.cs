using AdClick.Actors.ClickLog.Embedded;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog;

public sealed class EmbeddedLogDurabilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    public async Task Segments_are_written_through_to_the_disk()
    {
        await using var log = Open(_folder);
        await log.AppendEachAsync(0, 1);

        // O_SYNC on Linux (asm-generic/fcntl.h); a descriptor's flags are octal in /proc.
        const int WriteOnly = 1;
        const int Sync = 0x101000;
        var written = OpenFiles(_folder.Segments()[0]).Where(flags => (flags & WriteOnly) != 0).ToList();
        Assert.Single(written);
        Assert.Equal(Sync, written[0] & Sync);
    }

    [Fact]
    public async Task An_append_is_in_the_file_when_its_task_ends_and_not_readable_before()
    {
        using var gate = new ManualResetEventSlim();
        using var writing = new ManualResetEventSlim();
        await using var log = EmbeddedClickLog.Open(
            _folder.Path, 1, TimeProvider.System, null, Small, files => new GatedDevice(files, writing, gate));
        using var reader = log.OpenReader(0, 0);
        var append = log.AppendAsync(7);
        var reading = reader.ReadAsync(1, CancellationToken.None).AsTask();
        Assert.True(writing.Wait(TimeSpan.FromSeconds(20)), "Waited 20 s for the write.");
        Assert.False(append.IsCompleted);
        Assert.False(reading.IsCompleted);

        gate.Set();
        await append.InTime("the append");
        await reading.InTime("the reader");
        var length = new FileInfo(_folder.Segments()[0]).Length;
        Assert.Equal(512, length);
        using var copy = _folder.Copy();
        await using var opened = Open(copy);
        Assert.Equal(7, (await opened.ReadAllAsync()).Single().Number);
    }

    [Fact]
    public async Task Whoever_waits_for_an_append_does_not_run_on_the_committers_thread()
    {
        await using var log = Open(_folder);
        using var reader = log.OpenReader(0, 0);
        var reading = reader.ReadAsync(1, CancellationToken.None).AsTask();
        var append = log.AppendAsync(0);
        var names = await Task.WhenAll(new[] { append, reading }.Select(waited => waited.ContinueWith(
            _ => Thread.CurrentThread.Name, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)));

        Assert.DoesNotContain(names, name => name is not null && name.StartsWith("adclick-log", StringComparison.Ordinal));
    }

    private static IEnumerable<int> OpenFiles(string path)
    {
        foreach (var descriptor in Directory.GetFiles("/proc/self/fd"))
        {
            var info = Path.Combine("/proc/self/fdinfo", Path.GetFileName(descriptor));
            if (new FileInfo(descriptor).LinkTarget == path && File.Exists(info))
            {
                var flags = File.ReadLines(info).Single(line => line.StartsWith("flags:", StringComparison.Ordinal))["flags:".Length..].Trim();
                yield return Convert.ToInt32(flags, 8);
            }
        }
    }

    /// <summary>A test that looks at /proc.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Needs /proc of Linux.";
    }
}
