using System.Diagnostics.Metrics;
using AdClick.Actors.Lake;

namespace AdClick.Gateway.Operators;

/// <summary>What the archive of this node looks like from outside, read when somebody looks.</summary>
internal sealed class ArchiveWatch : IDisposable
{
    private readonly Meter _meter = new("AdClick");
    private readonly LakeArchive? _archive;

    /// <summary>Registers the gauges of an archive; null where there is none.</summary>
    public ArchiveWatch(LakeArchive? archive)
    {
        _archive = archive;
        if (archive is not null)
        {
            _meter.CreateObservableGauge(
                "adclick.archive.lag",
                () => archive.Lags.Select(lag => new Measurement<long>(lag.Records, new KeyValuePair<string, object?>("partition", lag.Partition))),
                "{record}",
                "Log records that are not archived yet");
            _meter.CreateObservableGauge("adclick.archive.waiting", () => archive.Notices.Count, "{partition}", "Partitions whose archive failed and waits");
        }
    }

    /// <summary>Sentences about partitions whose archive waits.</summary>
    public IReadOnlyList<string> Notices => _archive?.Notices ?? [];

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
