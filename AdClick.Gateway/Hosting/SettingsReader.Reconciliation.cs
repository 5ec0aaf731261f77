using AdClick.Actors.Lake.Reconciling;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings of reconciliation, <c>AdClick:Reconciliation:…</c>.</summary>
internal sealed partial class SettingsReader
{
    private ReconciliationOptions Reconciliation(TimeSpan impressionLifetime, TimeSpan allowedLateness)
    {
        _known.Add("Reconciliation");
        foreach (var child in _section.GetSection("Reconciliation").GetChildren())
        {
            if (child.Key.ToUpperInvariant() is not ("SCHEDULE" or "DELAY" or "LOOKBACK" or "READBACK" or "MEMORYLIMIT" or "THREADS"))
            {
                Refuse($"Reconciliation:{child.Key}", "is not a setting of AdClick; docs/operations.md lists them");
            }
        }

        // A re-count that reads back less than an impression is remembered would find differences that are none.
        var (recount, schedule) = (new RecountSettings(), new ReconciliationSchedule());
        var remembered = impressionLifetime + allowedLateness;
        return new ReconciliationOptions(
            OneOf("Reconciliation:Schedule", "hourly", "off") == "hourly",
            recount with
            {
                ReadBack = Span("Reconciliation:ReadBack", remembered, remembered, MaxSpan * 2),
                MemoryLimit = Number("Reconciliation:MemoryLimit", (int)recount.MemoryLimit, 128 * 1024 * 1024, int.MaxValue),
                Threads = Number("Reconciliation:Threads", recount.Threads, 1, 256),
            },
            schedule with
            {
                Delay = Span("Reconciliation:Delay", schedule.Delay, TimeSpan.Zero, TimeSpan.FromDays(1)),
                LookBack = Span("Reconciliation:LookBack", schedule.LookBack, TimeSpan.FromHours(1), MaxSpan),
            });
    }
}
