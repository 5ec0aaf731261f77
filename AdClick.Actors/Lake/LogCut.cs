using System.Security.Cryptography;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;

namespace AdClick.Actors.Lake;

/// <summary>
/// A stretch of a partition, read from the log and laid out in files, one for each hour. What is in it is a function of its first and last offset, and of the
/// partition clock at its begin.
/// </summary>
internal sealed class LogCut
{
    // More than a spool that was away for a day brings; each hour is a file.
    private const int MaxHours = 48;
    private const int MaxBatchRecords = 8 * 1024;

    private readonly LogIdentity _log;
    private readonly int _partition;
    private readonly AdKeyTable _keys;
    private readonly TextTable _texts = new();
    private readonly Dictionary<int, ClickRows> _clicks = [];
    private readonly Dictionary<int, RejectedRows> _rejected = [];
    private readonly LakeSettings _settings;
    private long _bytes;

    private LogCut(LogIdentity log, int partition, ArchiveProgress from, LakeSettings settings)
    {
        _log = log;
        _partition = partition;
        _settings = settings;
        _keys = new AdKeyTable(log.Partitions);
        FirstOffset = EndOffset = from.Offset;
        ClockMs = from.ClockMs;
    }

    /// <summary>First offset.</summary>
    public long FirstOffset { get; }

    /// <summary>Offset after the last.</summary>
    public long EndOffset { get; private set; }

    /// <summary>Partition clock at the end.</summary>
    public long ClockMs { get; private set; }

    /// <summary>Records that became rows.</summary>
    public int Rows { get; private set; }

    private bool IsFull => EndOffset - FirstOffset >= _settings.MaxRows || _bytes >= _settings.MaxBytes || _clicks.Count + _rejected.Count > MaxHours;

    /// <summary>Reads up to an offset, or to what a cut may hold.</summary>
    public static async Task<LogCut> ReadAsync(
        IClickLog log, int partition, ArchiveProgress from, long end, LakeSettings settings, CancellationToken cancellationToken)
    {
        var cut = new LogCut(log.Identity, partition, from, settings);
        using var reader = log.OpenArchiveReader(partition, from.Offset);
        while (cut.EndOffset < end && !cut.IsFull)
        {
            var wanted = Math.Min(Math.Min(end - cut.EndOffset, settings.MaxRows - (cut.EndOffset - cut.FirstOffset)), MaxBatchRecords);
            cut.Take(await reader.ReadAsync((int)wanted, cancellationToken).ConfigureAwait(false));
        }

        return cut;
    }

    /// <summary>Writes the files; gives what is to be known of each.</summary>
    public async Task<IReadOnlyList<LakeFile>> WriteAsync(ILakeStorage storage, CancellationToken cancellationToken)
    {
        var files = new List<LakeFile>();
        foreach (var (hour, rows) in _clicks)
        {
            files.Add(await WriteAsync(storage, LakeFileName.Clicks, hour, rows.Count, await rows.ToParquetAsync().ConfigureAwait(false), cancellationToken).ConfigureAwait(false));
        }

        foreach (var (hour, rows) in _rejected)
        {
            files.Add(await WriteAsync(storage, LakeFileName.Rejected, hour, rows.Count, await rows.ToParquetAsync().ConfigureAwait(false), cancellationToken).ConfigureAwait(false));
        }

        return files;
    }

    private static int HourOf(long unixMs) => (int)(unixMs / 3_600_000);

    private async Task<LakeFile> WriteAsync(
        ILakeStorage storage, string kind, int hour, int rows, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var name = LakeFileName.New(kind, hour, _log.Epoch, _partition, FirstOffset, EndOffset);
        await storage.WriteAsync(name, content, cancellationToken).ConfigureAwait(false);
        return new LakeFile(name, hour, rows, content.Length, SHA256.HashData(content.Span));
    }

    // As BatchDecoder: the same records are clicks, and the clock goes on by the same times.
    private void Take(LogBatch batch)
    {
        _keys.BeginBatch();
        var reader = default(LogRecordReader);
        for (var i = 0; i < batch.Count; i++)
        {
            var (offset, appendTimeMs) = (batch[i].Offset, batch[i].AppendTimeMs);
            var record = batch.Record(i);
            _bytes += record.Length;
            switch (reader.Read(record))
            {
                case LogRecordReader.Kind.Click:
                    var known = _keys.Find(reader.AdId, reader.SubShard);
                    if (known is null || known.Partition != _partition)
                    {
                        Reject(offset, appendTimeMs, BatchDecoder.Misplaced(known), record);
                        break;
                    }

                    var effectiveTimeMs = Math.Min(reader.ClickTimeMs, appendTimeMs);
                    ClicksOf(HourOf(effectiveTimeMs)).Add(offset, appendTimeMs, ClockMs, known.Key, reader, _texts);
                    Rows++;
                    ClockMs = Math.Max(ClockMs, effectiveTimeMs);
                    break;
                case LogRecordReader.Kind.Mark:
                    ClockMs = Math.Max(ClockMs, Math.Min(reader.TimeMs, appendTimeMs));
                    break;
                default:
                    Reject(offset, appendTimeMs, BatchDecoder.Unreadable, record);
                    break;
            }
        }

        EndOffset = batch.NextOffset;
    }

    private ClickRows ClicksOf(int hour)
    {
        if (!_clicks.TryGetValue(hour, out var rows))
        {
            _clicks.Add(hour, rows = new ClickRows(_log.Epoch.ToString(), _partition));
        }

        return rows;
    }

    private void Reject(long offset, long appendTimeMs, string reason, ReadOnlySpan<byte> record)
    {
        var hour = HourOf(appendTimeMs);
        if (!_rejected.TryGetValue(hour, out var rows))
        {
            _rejected.Add(hour, rows = new RejectedRows(_log.Epoch.ToString(), _partition));
        }

        rows.Add(offset, appendTimeMs, reason, record.ToArray());
        Rows++;
    }
}
