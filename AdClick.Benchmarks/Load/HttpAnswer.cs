using System.Buffers.Text;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Reads just so much of an HTTP/1.1 answer as a load generator needs: where it ends, its status, and whether the connection stays open. Bodies are
/// passed over, of a known length or in chunks.
/// </summary>
internal static class HttpAnswer
{
    /// <summary>Looks for an answer at the start of the bytes.</summary>
    /// <param name="bytes">What has come so far.</param>
    /// <param name="status">The status code.</param>
    /// <param name="closes">Whether the server closes the connection after it.</param>
    /// <returns>Length of the answer in bytes; 0 while more has to come.</returns>
    /// <exception cref="FormatException">This is not HTTP/1.1.</exception>
    public static int Read(ReadOnlySpan<byte> bytes, out int status, out bool closes)
    {
        status = 0;
        closes = false;
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return 0;
        }

        var head = bytes[..(end + 2)];
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..], out status, out var digits) || digits != 3)
        {
            throw new FormatException("The server's answer is not HTTP/1.1.");
        }

        var bodyAt = end + 4;
        long length = 0;
        var isChunked = false;
        for (var rest = head[(head.IndexOf((byte)'\n') + 1)..]; !rest.IsEmpty;)
        {
            var lineEnd = rest.IndexOf((byte)'\n');
            var line = rest[..lineEnd];
            rest = rest[(lineEnd + 1)..];
            if (Is(line, "content-length:"u8, out var value))
            {
                if (!Utf8Parser.TryParse(value, out length, out _))
                {
                    throw new FormatException("The server's answer has a Content-Length that is not a number.");
                }
            }
            else if (Is(line, "transfer-encoding:"u8, out value))
            {
                isChunked = value.StartsWith("chunked"u8);
            }
            else if (Is(line, "connection:"u8, out value))
            {
                closes = value.StartsWith("close"u8);
            }
        }

        if (isChunked)
        {
            return ReadChunks(bytes, bodyAt);
        }

        return bytes.Length - bodyAt >= length ? bodyAt + (int)length : 0;
    }

    // Names of headers are in any case; the letters here all differ from their capitals in the one bit.
    private static bool Is(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (line.Length < name.Length)
        {
            return false;
        }

        for (var i = 0; i < name.Length; i++)
        {
            if ((line[i] | 0x20) != (name[i] | 0x20))
            {
                return false;
            }
        }

        value = line[name.Length..].Trim(" \t\r"u8);
        return true;
    }

    private static int ReadChunks(ReadOnlySpan<byte> bytes, int at)
    {
        while (true)
        {
            var lineEnd = bytes[at..].IndexOf("\r\n"u8);
            if (lineEnd < 0)
            {
                return 0;
            }

            if (!Utf8Parser.TryParse(bytes.Slice(at, lineEnd), out int size, out _, 'x'))
            {
                throw new FormatException("The server's answer has a chunk whose size is not a number.");
            }

            at += lineEnd + 2 + size + 2;
            if (at > bytes.Length)
            {
                return 0;
            }

            if (size == 0)
            {
                return at;
            }
        }
    }
}
