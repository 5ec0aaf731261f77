using System.Globalization;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>
/// Whether the archive holds all that a re-count of some hours needs, by what the store knows of it: a chain of cuts without a gap, all their files listed, and every
/// partition archived and counted so far that nothing but late clicks can still come. Whether the files are what is listed is another question (<see cref="LakeFileCheck"/>).
/// </summary>
internal sealed class ArchiveCoverage
{
    private readonly Dictionary<(Guid Log, int Partition), PartitionSlice> _slices = [];
    private readonly List<string> _problems = [];

    private ArchiveCoverage() { }

    /// <summary>What is missing, sentence by sentence; empty when nothing is.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The partitions, in the order of their logs.</summary>
    public IReadOnlyList<PartitionSlice> Slices => [.. _slices.Values.OrderBy(slice => slice.LogNumber).ThenBy(slice => slice.Partition)];

    /// <summary>Partition clock that every partition's archive has reached, Unix milliseconds.</summary>
    public long ArchivedClockMs { get; private set; }

    /// <summary>The greatest allowed lateness in force in any partition, in milliseconds.</summary>
    public long AllowedLatenessMs { get; private set; }

    /// <summary>Looks at the archive.</summary>
    /// <param name="basis">What the store knows.</param>
    /// <param name="hours">The hours that are judged.</param>
    /// <param name="read">The hours whose clicks are read for it.</param>
    public static ArchiveCoverage Of(ReconciliationBasis basis, HourRange hours, HourRange read)
    {
        var coverage = new ArchiveCoverage();
        if (basis.Log is not { } log)
        {
            coverage._problems.Add("No click was ever counted.");
            return coverage;
        }

        if (hours.FirstMinute < basis.FirstKeptMinute)
        {
            coverage._problems.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"Counts by minute are kept from {DateTimeOffset.UnixEpoch.AddMinutes(basis.FirstKeptMinute):yyyy-MM-ddTHH:mm}Z on; there is nothing to compare with before it."));
        }

        if (basis.IsErasing)
        {
            coverage._problems.Add("Clicks of an advertiser are being erased; try again later.");
        }

        if (read.First < basis.FirstKeptHour)
        {
            coverage._problems.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"Raw clicks are kept from {DateTimeOffset.UnixEpoch.AddHours(basis.FirstKeptHour):yyyy-MM-ddTHH:mm}Z on, and those from {DateTimeOffset.UnixEpoch.AddHours(read.First):yyyy-MM-ddTHH:mm}Z on are needed."));
        }

        var current = basis.Partitions.Where(partition => partition.LogEpoch == log.Epoch).ToDictionary(partition => partition.Partition);
        coverage.ArchivedClockMs = current.Count < log.Partitions ? 0 : long.MaxValue;
        for (var partition = 0; partition < log.Partitions; partition++)
        {
            if (!current.ContainsKey(partition))
            {
                coverage._problems.Add($"Partition {partition} has no archive: AdClick:Lake:Storage is 'off', or the partition has not run since it was turned on.");
            }
        }

        foreach (var partition in basis.Partitions)
        {
            coverage.Look(basis, partition, hours, read);
        }

        return coverage;
    }

    /// <summary>Whether a record is among those that are compared.</summary>
    public bool Covers(Guid logEpoch, int partition, long offset) =>
        _slices.TryGetValue((logEpoch, partition), out var slice) && offset < slice.EndOffset
        && !slice.Lost.Any(lost => offset >= lost.FirstOffset && offset < lost.EndOffset);

    private void Look(ReconciliationBasis basis, ArchivedPartition partition, HourRange hours, HourRange read)
    {
        var cuts = Needed(basis, partition, read);
        var changes = basis.Lateness.Where(change => change.LogEpoch == partition.LogEpoch && change.Partition == partition.Partition).ToList();
        var isFormer = partition.FlushedOffset is null;
        var end = Math.Min(partition.ArchivedOffset, partition.FlushedOffset ?? long.MaxValue);
        var relevant = changes.LastOrDefault(change => cuts.Count == 0 || change.FromOffset <= cuts[0].FirstOffset);
        var lateness = relevant?.AllowedLatenessMs ?? (changes.Count > 0 ? changes[0].AllowedLatenessMs : partition.AllowedLatenessMs)
            ?? basis.Partitions.Max(other => other.AllowedLatenessMs ?? 0);
        if (!isFormer)
        {
            RequireEnd(partition, hours, lateness);
        }

        RequireBegin(basis, partition, read);
        RequireChain(partition, cuts, hours, lateness);
        RequireFiles(basis, partition, cuts, read);
        RequireOneLateness(partition, cuts, changes, hours, read, lateness);
        AllowedLatenessMs = Math.Max(AllowedLatenessMs, lateness);
        _slices.Add((partition.LogEpoch, partition.Partition), new PartitionSlice(
            partition.LogNumber, partition.LogEpoch, partition.Partition, cuts.Count > 0 ? cuts[0].FirstOffset : partition.ArchivedOffset, end, lateness,
            isFormer ? long.MaxValue : partition.ArchivedClockMs,
            [
                .. basis.Files.Where(file => file.LogEpoch == partition.LogEpoch && file.Partition == partition.Partition && file.FirstOffset < end)
                    .Select(file => file.File),
            ],
            [.. cuts.Where(cut => cut.IsLost)]));
    }

    // From here on whatever comes for these hours is late, and has a row of its own with its offset.
    private void RequireEnd(ArchivedPartition partition, HourRange hours, long lateness)
    {
        ArchivedClockMs = Math.Min(ArchivedClockMs, partition.ArchivedClockMs);
        if (partition.ArchivedClockMs - lateness < hours.EndMs)
        {
            Add(partition, $"is archived up to {Time(partition.ArchivedClockMs)}, which must be the allowed lateness after {Time(hours.EndMs)}; try again later");
        }
        else if (partition.FlushedClockMs - lateness < hours.EndMs)
        {
            Add(partition, $"is counted up to {Time(partition.FlushedClockMs ?? 0)}, which must be the allowed lateness after {Time(hours.EndMs)}; try again later");
        }
    }

    // A log that is archived from its first record on begins with the clock at 0. What lies before any other archive is in that of the log before, to its end, or nowhere:
    // a log that goes on with the state of another takes the greatest of its clocks.
    private void RequireBegin(ReconciliationBasis basis, ArchivedPartition partition, HourRange read)
    {
        if (partition.BeginClockMs <= read.StartMs)
        {
            return;
        }

        var before = basis.Partitions.Where(other => other.LogNumber < partition.LogNumber).ToList();
        var newest = before.Select(other => other.LogNumber).DefaultIfEmpty().Max();
        if (before.Count == 0 || before.Where(other => other.LogNumber == newest).Max(other => other.ArchivedClockMs) < partition.BeginClockMs)
        {
            Add(partition, $"has no archive from before {Time(partition.BeginClockMs)}, and clicks from {Time(read.StartMs)} on are needed");
        }
    }

    // The times of lost records are not told: they lie between the clock before them and the one after the next cut. So a lost cut is needed if that one is.
    private static List<LakeCut> Needed(ReconciliationBasis basis, ArchivedPartition partition, HourRange read)
    {
        var needed = new List<LakeCut>();
        foreach (var cut in basis.Cuts.Where(cut => cut.LogEpoch == partition.LogEpoch && cut.Partition == partition.Partition).Reverse())
        {
            if (!cut.IsLost || cut.EndClockMs >= read.StartMs || cut.EndOffset == (needed.Count > 0 ? needed[^1].FirstOffset : partition.ArchivedOffset))
            {
                needed.Add(cut);
            }
        }

        needed.Reverse();
        return needed;
    }

    private void RequireChain(ArchivedPartition partition, List<LakeCut> cuts, HourRange hours, long lateness)
    {
        for (var i = 0; i <= cuts.Count; i++)
        {
            var (from, to) = (i == 0 ? (cuts.Count > 0 ? cuts[0].FirstOffset : partition.ArchivedOffset) : cuts[i - 1].EndOffset, i < cuts.Count ? cuts[i].FirstOffset : partition.ArchivedOffset);
            if (from != to)
            {
                Add(partition, $"has no cut on record for offsets {from} to {to}");
            }
        }

        // Of what was lost later, only late clicks can belong to these hours; they are left out on both sides.
        foreach (var lost in cuts.Where(cut => cut.IsLost && cut.BeginClockMs < hours.EndMs + lateness))
        {
            Add(partition, $"has lost offsets {lost.FirstOffset} to {lost.EndOffset} before they were archived");
        }
    }

    private void RequireFiles(ReconciliationBasis basis, ArchivedPartition partition, List<LakeCut> cuts, HourRange read)
    {
        var files = basis.Files.Where(file => file.LogEpoch == partition.LogEpoch && file.Partition == partition.Partition).ToList();
        foreach (var cut in cuts)
        {
            foreach (var (hour, rows) in cut.HourRows.Where(hour => hour.Key >= Math.Max(read.First, basis.FirstKeptHour) && hour.Key < read.End))
            {
                var listed = files.Where(file => file.File.Hour == hour && file.FirstOffset >= cut.FirstOffset && file.EndOffset <= cut.EndOffset).Sum(file => (long)file.File.Rows);
                if (listed != rows)
                {
                    Add(partition, $"has {rows} clicks of {DateTimeOffset.UnixEpoch.AddHours(hour):yyyy-MM-ddTHH}Z in offsets {cut.FirstOffset} to {cut.EndOffset}, but lake_files lists files with {listed}");
                }
            }
        }
    }

    // What a longer lateness let in depends on the clock at the very record where it changed, which the lake does not tell.
    private void RequireOneLateness(
        ArchivedPartition partition, List<LakeCut> cuts, List<LatenessChange> changes, HourRange hours, HourRange read, long lateness)
    {
        foreach (var change in changes.Where(change => change.AllowedLatenessMs != lateness))
        {
            var longest = Math.Max(change.AllowedLatenessMs, lateness);
            if (cuts.Find(cut => change.FromOffset >= cut.FirstOffset && change.FromOffset < cut.EndOffset) is { } cut
                && cut.EndClockMs >= read.StartMs && cut.BeginClockMs <= hours.EndMs + longest)
            {
                Add(partition, $"changed its allowed lateness at offset {change.FromOffset}, amid the clicks that these hours rest on");
            }
        }
    }

    private void Add(ArchivedPartition partition, FormattableString problem) =>
        _problems.Add(FormattableString.Invariant($"Partition {partition.Partition} of log {partition.LogEpoch:N} ") + FormattableString.Invariant(problem) + ".");

    private static string Time(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>What a re-count reads of a partition.</summary>
/// <param name="LogNumber">Order of its log.</param>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First offset of the first cut that is needed.</param>
/// <param name="EndOffset">Offset before which everything is archived and counted.</param>
/// <param name="AllowedLatenessMs">Allowed lateness.</param>
/// <param name="ClockMs">Partition clock at the end; in a former log, after all.</param>
/// <param name="Files">Its files of the hours that are read.</param>
/// <param name="Lost">Cuts whose records were lost.</param>
internal sealed record PartitionSlice(
    int LogNumber, Guid LogEpoch, int Partition, long FirstOffset, long EndOffset, long AllowedLatenessMs, long ClockMs, IReadOnlyList<LakeFile> Files,
    IReadOnlyList<LakeCut> Lost);
