using System.Buffers.Text;
using System.Security.Cryptography;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Keys that are not configured: made at the first start and kept in the data folder, readable by its user alone. A key file that is there is never
/// written again.
/// </summary>
internal sealed class GeneratedKeys
{
    private readonly string _folder;

    /// <summary>Keys in a data folder.</summary>
    public GeneratedKeys(string folder) => _folder = folder;

    /// <summary>File of the administrator's key: the key itself and a line end.</summary>
    public string AdminKeyFile => Path.Combine(_folder, "admin.key");

    /// <summary>File of the signing key: <c>keyId:base64</c> and a line end.</summary>
    public string SigningKeyFile => Path.Combine(_folder, "signing.key");

    /// <summary>The administrator's key, made if there is none.</summary>
    public string AdminKey() => ReadOrMake(AdminKeyFile, () => "adc_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)));

    /// <summary>The signing key, made if there is none.</summary>
    /// <exception cref="StartupException">The file holds something else.</exception>
    public SigningKeySetting SigningKey()
    {
        // The ID is random too: two installations that are merged one day must not have two keys of one name.
        var text = ReadOrMake(
            SigningKeyFile,
            () => $"{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}");
        return Parse(text) ?? throw new StartupException(
            $"{SigningKeyFile} does not hold a signing key (keyId:base64 of 32 bytes). Restore it from a backup: without it no impression that was issued can be clicked.");
    }

    /// <summary>The signing key if there is a file; used beside a running node, so nothing is made.</summary>
    public SigningKeySetting? FindSigningKey() => File.Exists(SigningKeyFile) ? SigningKey() : null;

    private static SigningKeySetting? Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var secret = new byte[32];
        return colon > 0 && Ids.IsValid(text.AsSpan(0, colon))
            && Convert.TryFromBase64String(text[(colon + 1)..], secret, out var length) && length == secret.Length
            ? new SigningKeySetting(text[..colon], secret, null)
            : null;
    }

    private static string ReadOrMake(string file, Func<string> make)
    {
        try
        {
            if (!File.Exists(file))
            {
                Write(file, make());
            }

            var text = File.ReadAllText(file).Trim();
            return text.Length > 0 ? text : throw new StartupException($"{file} is empty. Restore it from a backup, or delete it to have a new key made.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{file} can't be read or written: {e.Message}", e);
        }
    }

    // Whole or not at all: written beside, synced, renamed.
    private static void Write(string file, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var temporary = file + ".new";
        using (var stream = new FileStream(temporary, options))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(text);
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file);
    }
}
