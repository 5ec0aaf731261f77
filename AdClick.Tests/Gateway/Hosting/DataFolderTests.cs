using AdClick.Gateway.Hosting;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

public sealed class DataFolderTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"adclick-{Guid.NewGuid():N}");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_second_one_on_the_same_folder_is_refused_until_the_first_is_gone()
    {
        using (DataFolder.Open(_folder))
        {
            var refused = Assert.Throws<StartupException>(() => DataFolder.Open(_folder));
            Assert.Contains(_folder, refused.Message, StringComparison.Ordinal);
        }

        DataFolder.Open(_folder).Dispose();
    }

    [Fact]
    public void Keys_are_made_once_and_only_their_user_can_read_them()
    {
        using var folder = DataFolder.Open(_folder);
        var keys = new GeneratedKeys(folder.Path);
        var admin = keys.AdminKey();
        var signing = keys.SigningKey();
        Assert.Equal(admin, new GeneratedKeys(folder.Path).AdminKey());
        Assert.Equal(signing.KeyId, new GeneratedKeys(folder.Path).SigningKey().KeyId);
        Assert.Equal(signing.Secret, new GeneratedKeys(folder.Path).SigningKey().Secret);
        Assert.DoesNotContain(Convert.ToBase64String(signing.Secret), signing.ToString(), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(keys.AdminKeyFile));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(keys.SigningKeyFile));
        }
    }

    [Fact]
    public void A_key_file_that_holds_something_else_is_refused_and_kept()
    {
        using var folder = DataFolder.Open(_folder);
        var keys = new GeneratedKeys(folder.Path);
        File.WriteAllText(keys.SigningKeyFile, "nonsense");
        Assert.Contains(keys.SigningKeyFile, Assert.Throws<StartupException>(() => keys.SigningKey()).Message, StringComparison.Ordinal);
        Assert.Equal("nonsense", File.ReadAllText(keys.SigningKeyFile));
    }
}
