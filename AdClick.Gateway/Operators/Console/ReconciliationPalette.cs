using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Operators.Console;

/// <summary>Reconciliation on demand.</summary>
internal sealed class ReconciliationPalette : IOperatorPalette
{
    private static readonly OperatorArgument[] Range =
    [
        new("from", "-f", "First hour, such as 2026-11-24T01Z.") { IsRequired = true },
        new("to", "-t", "Hour after the last, such as 2026-11-25T00Z.") { IsRequired = true },
    ];

    private static readonly OperatorArgument[] Rules =
    [
        .. Range,
        new("bots", "-b", "A list of bots: NAME stands for NAME.txt in the folder bots of the node's data folder, with lines like AdClick's own list, which it takes the place of."),
        new("lifetime", "-i", "Another impression lifetime, [d.]hh:mm:ss."),
        new("lateness", "-l", "Another allowed lateness, [d.]hh:mm:ss."),
    ];

    private readonly ReconciliationWatch _watch;
    private readonly IReconciliationStore _store;
    private readonly GatewayOptions _options;

    /// <summary>The commands on this node.</summary>
    public ReconciliationPalette(ReconciliationWatch watch, IReconciliationStore store, GatewayOptions options)
    {
        _watch = watch;
        _store = store;
        _options = options;
        Commands =
        [
            new("clicks", "reconcile",
                "Re-counts hours from the raw clicks and records what came out: run | hours | state | clicks | numbers compared | mismatches | late clicks settled | why it is unproven. Then a line for each of the first mismatches.",
                RunAsync)
            {
                Arguments = Range,
            },
            new("clicks", "reconcile-rules",
                "Says what other rules would have given for past hours, and changes nothing: hours | outcome | streamed | by these rules. Then the ads whose accepted clicks differ most.", TryRulesAsync)
            {
                Arguments = Rules,
            },
            new("clicks", "reconcile-apply",
                "Makes answers show what other rules give for past hours; 'clicks reconcile' takes it back. What it takes and tells is that of reconcile-rules and reconcile.",
                ApplyRulesAsync)
            {
                Arguments = Rules,
                Confirmation = "Advertisers will see other numbers for these hours.",
            },
            new("clicks", "runs", "The newest runs of reconciliation: run | hours | state | kind | by whom | clicks | numbers compared | mismatches | settled | rules | why it is unproven.", RunsAsync)
            {
                Arguments = [new("count", "-n", "How many. Default 20.")],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private Reconciler Reconciler => _watch.Reconciler
        ?? throw new OperatorCommandException("Clicks are not archived (AdClick:Lake:Storage is 'off' on this node): there is nothing to re-count from.");

    private async IAsyncEnumerable<OperatorLine> RunAsync(OperatorCall call)
    {
        foreach (var hours in Days(call))
        {
            var (run, result) = await Reconciler.RunAsync(hours, RunKind.Requested, call.By, call.Cancelled);
            await foreach (var line in Tell(run, result))
            {
                yield return line;
            }
        }
    }

    private async IAsyncEnumerable<OperatorLine> ApplyRulesAsync(OperatorCall call)
    {
        var rules = ReadRules(call);
        foreach (var hours in Days(call))
        {
            var (run, result) = await Reconciler.ApplyRulesAsync(hours, rules, call.By, call.Cancelled);
            await foreach (var line in Tell(run, result))
            {
                yield return line;
            }
        }
    }

    private async IAsyncEnumerable<OperatorLine> TryRulesAsync(OperatorCall call)
    {
        var rules = ReadRules(call);
        foreach (var hours in Days(call))
        {
            var report = await Reconciler.TryRulesAsync(hours, rules, call.By, call.Cancelled);
            if (report.Run.State == RunState.Unproven)
            {
                yield return OperatorLine.Of(("hours", hours.ToString()), ("state", "unproven"), ("reason", string.Join(' ', report.Run.Reasons)));
            }

            foreach (var (outcome, streamed, recounted) in report.Outcomes)
            {
                yield return OperatorLine.Of(("hours", hours.ToString()), ("outcome", outcome.Name()), ("streamed", Text(streamed)), ("byRules", Text(recounted)));
            }

            foreach (var (adId, streamed, recounted) in report.Ads)
            {
                yield return OperatorLine.Of(("hours", hours.ToString()), ("ad", adId), ("streamed", Text(streamed)), ("byRules", Text(recounted)));
            }
        }
    }

    private async IAsyncEnumerable<OperatorLine> RunsAsync(OperatorCall call)
    {
        foreach (var run in await _store.ListRunsAsync(call.Number("count", 20, 1, 10_000), call.Cancelled))
        {
            yield return OperatorLine.Of(
                ("run", Text(run.Run)), ("hours", run.Hours.ToString()), ("state", NameOf(run.State)), ("kind", KindOf(run.Kind)), ("by", run.RequestedBy), ("clicks", Text(run.Clicks)),
                ("numbers", Text(run.Cells)), ("mismatches", Text(run.Mismatches)), ("settled", Text(run.Settled)), ("rules", run.Rules), ("reason", run.Reason));
        }
    }

    private static async IAsyncEnumerable<OperatorLine> Tell(long run, ReconciliationRun result)
    {
        const int MaxLines = 20;
        await Task.CompletedTask;
        yield return OperatorLine.Of(
            ("run", Text(run)), ("hours", result.Hours.ToString()), ("state", NameOf(result.State)), ("clicks", Text(result.Clicks)), ("numbers", Text(result.Cells)),
            ("mismatches", Text(result.Mismatches)), ("settled", Text(result.Settled)), ("reason", string.Join(' ', result.Reasons)));
        foreach (var cell in result.Corrections.Where(cell => cell.IsMismatch).Take(MaxLines))
        {
            yield return OperatorLine.Of(
                ("ad", cell.AdId), ("minute", DateTimeOffset.UnixEpoch.AddMinutes(cell.Minute).ToString("yyyy-MM-ddTHH:mm'Z'", CultureInfo.InvariantCulture)),
                ("outcome", cell.Outcome.Name()), ("streamed", Text(cell.Streamed)), ("recounted", Text(cell.Recounted)));
        }
    }

    // Day by day, so that what is around each hour is read once.
    private static List<HourRange> Days(OperatorCall call)
    {
        const int MaxDays = 400;
        var (from, to) = (HourOf(call, "from"), HourOf(call, "to"));
        if (from >= to || to - from > MaxDays * 24)
        {
            throw new OperatorCommandException($"--from must be before --to, and at most {MaxDays} days before it.");
        }

        var days = new List<HourRange>();
        for (var first = from; first < to;)
        {
            var end = Math.Min(to, ((first / Reconciler.MaxHours) + 1) * Reconciler.MaxHours);
            days.Add(new HourRange(first, end));
            first = end;
        }

        return days;
    }

    private static int HourOf(OperatorCall call, string argument)
    {
        string[] formats = ["yyyy-MM-dd'T'HH'Z'", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd"];
        return DateTimeOffset.TryParseExact(call[argument], formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && time.ToUnixTimeSeconds() is >= 0 and var seconds && seconds % 3600 == 0
            ? (int)(seconds / 3600)
            : throw new OperatorCommandException($"--{argument} must be a full hour in UTC, such as 2026-11-24T01Z or 2026-11-24, not '{call[argument]}'.");
    }

    private RecountRules ReadRules(OperatorCall call)
    {
        var rules = new RecountRules(SpanOf(call, "lateness"), SpanOf(call, "lifetime"), ReadBots(call.Find("bots")), call.Find("bots"));
        return rules.AreOther ? rules : throw new OperatorCommandException("Say which rule is another one: --bots, --lifetime or --lateness.");
    }

    private static TimeSpan? SpanOf(OperatorCall call, string argument) => call.Find(argument) is not { } text
        ? null
        : TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var span) && span >= TimeSpan.FromSeconds(1) && span <= TimeSpan.FromDays(90)
            ? span
            : throw new OperatorCommandException($"--{argument} must be a time span from 00:00:01 to 90.00:00:00, written [d.]hh:mm:ss, not '{text}'.");

    private DeclaredBots? ReadBots(string? name)
    {
        if (name is null)
        {
            return null;
        }

        var file = Path.Combine(Path.GetFullPath(_options.Data), "bots", $"{name}.txt");
        if (!Ids.IsValid(name) || !File.Exists(file))
        {
            throw new OperatorCommandException($"There is no list {file} on this node. Its lines are 'bot TEXT', 'browser TEXT' or 'person TEXT'.");
        }

        try
        {
            return DeclaredBots.LoadWith(File.ReadLines(file));
        }
        catch (InvalidDataException e)
        {
            throw new OperatorCommandException($"{file}: {e.Message}");
        }
    }

    private static string NameOf(RunState state) => state switch
    {
        RunState.Match => "match",
        RunState.Mismatch => "mismatch",
        _ => "unproven",
    };

    private static string KindOf(RunKind kind) => kind switch
    {
        RunKind.Scheduled => "scheduled",
        RunKind.Requested => "requested",
        _ => "rules",
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
