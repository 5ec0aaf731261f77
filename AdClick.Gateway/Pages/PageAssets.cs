using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace AdClick.Gateway.Pages;

/// <summary>
/// The files of <c>wwwroot</c>, out of the assembly. Scripts and styles are under a path that names their content, so that browsers keep them for good and never mix two
/// versions; the pages themselves, which refer to that path, are asked for anew each time.
/// </summary>
internal sealed class PageAssets
{
    private const string ResourcePrefix = "wwwroot/";
    private const string VersionPlaceholder = "{version}";

    private readonly Dictionary<string, PageAsset> _assets = new(StringComparer.Ordinal);

    /// <summary>Reads the files.</summary>
    public PageAssets()
    {
        var assembly = typeof(PageAssets).Assembly;
        var files = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .ToDictionary(name => name[ResourcePrefix.Length..].Replace('\\', '/'), Read);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, content) in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(content);
        }

        Version = Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 6));
        foreach (var (name, content) in files)
        {
            _assets.Add(name, new PageAsset(name, IsPage(name) ? WithVersion(content) : content));
        }

        byte[] Read(string name)
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
    }

    /// <summary>Names the content of all files together.</summary>
    public string Version { get; }

    /// <summary>A file by its name below <c>wwwroot</c>.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out PageAsset? asset) => _assets.TryGetValue(name, out asset);

    private static bool IsPage(string name) => name.EndsWith(".html", StringComparison.Ordinal);

    private byte[] WithVersion(byte[] page) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(page).Replace(VersionPlaceholder, Version, StringComparison.Ordinal));
}
