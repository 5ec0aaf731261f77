using System.Buffers.Text;
using System.Globalization;
using System.Text;
using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Win32.SafeHandles;

namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// File <c>drained</c>: up to which offset each lane is drained, a line of 32 bytes per lane: "lane 3 from 4711". A person can read it and change it.
/// It is overwritten in place, so that it needs no room on a disk that the spool itself has filled. A line doesn't cross a sector, so whatever a
/// power cut leaves is a mixture of whole lines, old and new; an old one only means that some clicks are drained twice, which counting calls
/// <c>repeat</c>.
/// </summary>
internal sealed class DrainedPositions : IDisposable
{
    private const string FileName = "drained";
    private const int LineBytes = 32;

    private readonly byte[] _lines;
    private SafeFileHandle? _handle;

    private DrainedPositions(string path, long?[] found)
    {
        Path = path;
        Found = found;
        _lines = new byte[found.Length * LineBytes];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What the file said when it was opened; null for a lane that it says nothing about.</summary>
    public IReadOnlyList<long?> Found { get; }

    /// <summary>Reads the file in a spool's folder.</summary>
    /// <exception cref="ClickLogDamagedException">A line is not what it should be.</exception>
    public static DrainedPositions Read(string folder, int lanes)
    {
        var path = System.IO.Path.Combine(folder, FileName);
        var found = new long?[lanes];
        if (File.Exists(path))
        {
            foreach (var line in File.ReadLines(path))
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words is ["lane", var lane, "from", var offset]
                    && int.TryParse(lane, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < lanes
                    && long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                {
                    found[number] = position;
                }
                else if (words.Length > 0)
                {
                    throw new ClickLogDamagedException(
                        $"{path}, which says what of the spool is in Kafka already, has the line '{line.Trim()}', " +
                        "which is not of the form 'lane 3 from 4711'. Mend the line, or delete the file: " +
                        "then every click that is left in the spool is sent again, and counted as repeat where Kafka has it.");
                }
            }
        }

        return new DrainedPositions(path, found);
    }

    /// <summary>Writes the positions of all lanes; returns when they are on disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Write(ReadOnlySpan<long> positions)
    {
        for (var lane = 0; lane < positions.Length; lane++)
        {
            Format(lane, positions[lane], _lines.AsSpan(lane * LineBytes, LineBytes));
        }

        if (_handle is null)
        {
            Create();
        }
        else
        {
            RandomAccess.Write(_handle, _lines, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle?.Dispose();
        _handle = null;
    }

    private static void Format(int lane, long position, Span<byte> line)
    {
        line.Fill((byte)' ');
        var at = Put(line, 0, "lane "u8);
        Utf8Formatter.TryFormat(lane, line[at..], out var digits);
        at = Put(line, at + digits, " from "u8);
        Utf8Formatter.TryFormat(position, line[at..^1], out _);
        line[^1] = (byte)'\n';
    }

    private static int Put(Span<byte> line, int at, ReadOnlySpan<byte> text)
    {
        text.CopyTo(line[at..]);
        return at + text.Length;
    }

    // The first time the whole file anew, beside the old one: a person may have left lines of another length.
    private void Create()
    {
        var temporary = Path + ".new";
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, _lines, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(temporary, Path, overwrite: true);
        FolderSync.Sync(System.IO.Path.GetDirectoryName(Path)!);
        _handle = File.OpenHandle(Path, FileMode.Open, FileAccess.Write, FileShare.Read, FileOptions.WriteThrough);
    }
}
