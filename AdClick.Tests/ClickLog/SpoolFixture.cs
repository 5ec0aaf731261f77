using System.Globalization;
using System.Text;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Actors.Clicks;
using Microsoft.Extensions.Logging;
using Xunit;

namespace AdClick.Tests.ClickLog;

/// <summary>What the tests of the spool share: clicks that tell their number, and a drainer that takes all there is.</summary>
internal static class SpoolFixture
{
    public const long MaxBytes = 1L << 30;

    /// <summary>A click time.</summary>
    public const long NoonMs = 1_795_777_200_000;

    public static ClickSpool Open(
        TemporaryFolder folder, int partitions = 1, long maxBytes = MaxBytes, TimeProvider? time = null, ILogger? logger = null, Disk? disk = null) =>
        ClickSpool.Open(
            folder.Path, partitions, maxBytes, time ?? TimeProvider.System, logger,
            files => disk is null ? new SegmentDevice(files) : new FaultyDevice(files, disk));

    public static Task AppendAsync(this ClickSpool spool, int number, int partition = 0, long clickTimeMs = NoonMs, int textLength = 0)
    {
        Span<byte> record = stackalloc byte[ClickRecordWriter.MaxBytes];
        var click = new ClickRecord
        {
            Nonce = (ulong)number + 1,
            Impression = new ImpressionId(0, (ulong)number),
            ExpiresAtMs = NoonMs + 1000,
            Ad = AdOf(number),
            ClickTimeMs = clickTimeMs,
            UserAgent = new string('u', textLength),
        };
        return spool.AppendAsync(partition, Encoding.ASCII.GetBytes(AdOf(number).ToString()), record[..ClickRecordWriter.Write(click, record)]);
    }

    public static async Task AppendAllAsync(this ClickSpool spool, int from, int count, int partition = 0, int textLength = 0)
    {
        await Task.WhenAll(Enumerable.Range(from, count).Select(number => spool.AppendAsync(number, partition, textLength: textLength)))
            .InTime($"{count} appends from {from}");
    }

    public static async Task<List<int>> ReadAsync(this SpoolLane lane, int count, int maxRecords = 1000)
    {
        var read = new List<int>();
        while (read.Count < count)
        {
            var batch = await lane.ReadAsync(Math.Min(maxRecords, count - read.Count), CancellationToken.None)
                .InTime($"click {read.Count} of {count}");
            Assert.True(batch.Count > 0, "The lane ended.");
            for (var i = 0; i < batch.Count; i++)
            {
                read.Add(NumberOf(batch, i));
            }
        }

        return read;
    }

    /// <summary>Reads and drains everything in a lane.</summary>
    public static async Task<List<int>> DrainAsync(this SpoolLane lane)
    {
        var drained = new List<int>();
        while (!lane.IsEmpty)
        {
            var batch = await lane.ReadAsync(1000, CancellationToken.None).InTime("what the lane holds");
            for (var i = 0; i < batch.Count; i++)
            {
                drained.Add(NumberOf(batch, i));
            }

            lane.Drained(batch.NextOffset);
        }

        return drained;
    }

    /// <summary>The number that a click was given; its key must be the right one.</summary>
    public static int NumberOf(SpoolBatch batch, int index)
    {
        var fields = default(LogRecordReader);
        Assert.Equal(LogRecordReader.Kind.Click, fields.Read(batch.Record(index)));
        var number = (int)fields.Nonce - 1;
        Assert.Equal(AdOf(number).ToString(), Encoding.ASCII.GetString(batch.Key(index)));
        return number;
    }

    public static string[] Segments(this TemporaryFolder folder, int partitions, int partition) =>
        [.. Directory.GetFiles(SegmentFiles.FolderOf(Path.Combine(folder.Path, $"p{partitions}"), partition), "clicks-*.log").Order()];

    private static AdKey AdOf(int number) => new(string.Create(CultureInfo.InvariantCulture, $"ad{number % 7}"), number % 3);
}
