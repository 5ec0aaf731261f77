using System.IO.Compression;
using System.Security.Cryptography;

namespace AdClick.Gateway.Pages;

/// <summary>A file of the pages: its bytes as they are and compressed, once, when they are first asked for.</summary>
internal sealed class PageAsset
{
    // A compressed form that saves less than this is not worth the browser's work.
    private const int MinSaved = 64;

    private readonly Lazy<byte[]?> _brotli;
    private readonly Lazy<byte[]?> _gzip;

    /// <summary>A file.</summary>
    /// <param name="name">Its name, by whose ending its type is known.</param>
    /// <param name="content">Its bytes.</param>
    public PageAsset(string name, byte[] content)
    {
        Name = name;
        Content = content;
        ContentType = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            ".txt" => "text/plain; charset=utf-8",
            var other => throw new ArgumentException($"{name}: nothing says what type of content '{other}' is.", nameof(name)),
        };
        ETag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12))}\"";
        _brotli = new(() => Compress(stream => new BrotliStream(stream, CompressionLevel.SmallestSize, leaveOpen: true)));
        _gzip = new(() => Compress(stream => new GZipStream(stream, CompressionLevel.SmallestSize, leaveOpen: true)));
    }

    /// <summary>Name below the pages' folder.</summary>
    public string Name { get; }

    /// <summary>Media type.</summary>
    public string ContentType { get; }

    /// <summary>Names these bytes; the compressed forms carry their encoding in theirs.</summary>
    public string ETag { get; }

    /// <summary>The bytes.</summary>
    public byte[] Content { get; }

    /// <summary>The smallest form that a browser takes, and the name of its encoding; null for none.</summary>
    public (byte[] Bytes, string? Encoding) For(bool takesBrotli, bool takesGzip) =>
        takesBrotli && _brotli.Value is { } brotli ? (brotli, "br")
        : takesGzip && _gzip.Value is { } gzip ? (gzip, "gzip")
        : (Content, null);

    private byte[]? Compress(Func<Stream, Stream> open)
    {
        using var output = new MemoryStream();
        using (var compressor = open(output))
        {
            compressor.Write(Content);
        }

        return output.Length + MinSaved < Content.Length ? output.ToArray() : null;
    }
}
