using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace AdClick.Tests.ClickLog;

/// <summary>A test that needs a small file system of its own; skipped where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TmpfsFactAttribute : FactAttribute
{
    private static readonly string? Reason = Probe();

    public TmpfsFactAttribute() => Skip = Reason;

    /// <summary>Runs mount or umount; returns what it complained about.</summary>
    public static string? Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{command} said: {error.Trim()}";
        }
        catch (Win32Exception e)
        {
            return $"{command} can't be run: {e.Message}";
        }
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Needs Linux, to mount a small tmpfs.";
        }

        using var folder = new TemporaryFolder();
        if (Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path) is { } error)
        {
            return $"Needs the right to mount a small tmpfs: {error}";
        }

        _ = Run("umount", folder.Path);
        return null;
    }
}
