using System.Globalization;
using System.Text;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using Xunit;

namespace AdClick.Tests.ClickLog;

/// <summary>What the tests of the embedded log share: small sizes, records that tell their number, reading with a limit in time.</summary>
internal static class EmbeddedLogFixture
{
    public const int PageBytes = 16 * 1024;
    public const int SegmentBytes = 2 * PageBytes;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static readonly EmbeddedLogOptions Small = new() { PageBytes = PageBytes, SegmentBytes = SegmentBytes };

    public static EmbeddedClickLog Open(TemporaryFolder folder, int partitions = 1, TimeProvider? time = null) =>
        EmbeddedClickLog.Open(folder.Path, partitions, time ?? TimeProvider.System, options: Small);

    public static byte[] Record(long number, int length = 200)
    {
        var record = new byte[length];
        Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture).PadLeft(length, '.'), record);
        return record;
    }

    public static long NumberOf(ReadOnlySpan<byte> record) =>
        long.Parse(record.TrimStart((byte)'.'), NumberStyles.None, CultureInfo.InvariantCulture);

    public static Task AppendAsync(this EmbeddedClickLog log, long number, int partition = 0, int length = 200) =>
        log.AppendAsync(partition, "ad/0"u8, Record(number, length));

    /// <summary>Appends one after the other: one commit each.</summary>
    public static async Task AppendEachAsync(this EmbeddedClickLog log, int from, int count, int length = 200)
    {
        for (var i = from; i < from + count; i++)
        {
            await log.AppendAsync(i, length: length).InTime($"append {i}");
        }
    }

    /// <summary>Reads everything from an offset to the end; offsets are dense.</summary>
    public static async Task<List<(long Offset, long AppendTimeMs, long Number)>> ReadAllAsync(
        this EmbeddedClickLog log, int partition = 0, long? from = null, int maxRecords = 100)
    {
        var range = log.RangeOf(partition);
        var offset = from ?? range.Begin;
        var read = new List<(long, long, long)>();
        using var reader = log.OpenReader(partition, offset);
        while (offset < range.End)
        {
            var batch = await reader.ReadAsync(maxRecords, CancellationToken.None).InTime($"records from offset {offset}");
            Assert.InRange(batch.Count, 1, maxRecords);
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.Equal(offset++, batch[i].Offset);
                read.Add((batch[i].Offset, batch[i].AppendTimeMs, NumberOf(batch.Record(i))));
            }

            Assert.Equal(offset, batch.NextOffset);
        }

        return read;
    }

    public static string[] Segments(this TemporaryFolder folder, int partition = 0) =>
        [.. Directory.GetFiles(SegmentFiles.FolderOf(folder.Path, partition), "clicks-*.log").Order()];

    public static async Task InTime(this Task task, string what)
    {
        try
        {
            await task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited {Patience} for {what}.");
        }
    }

    public static async Task<T> InTime<T>(this ValueTask<T> task, string what)
    {
        var running = task.AsTask();
        await InTime((Task)running, what);
        return await running;
    }
}
