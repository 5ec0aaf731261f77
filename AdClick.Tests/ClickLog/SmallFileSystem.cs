using Xunit;

namespace AdClick.Tests.ClickLog;

/// <summary>A tmpfs over a folder.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly string _path;

    public SmallFileSystem(string path, string size)
    {
        _path = path;
        Assert.Null(TmpfsFactAttribute.Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", path));
    }

    public void Remount(string mode) => Assert.Null(TmpfsFactAttribute.Run("mount", "-o", $"remount,{mode}", _path));

    public void Dispose() => TmpfsFactAttribute.Run("umount", "-l", _path);
}
