using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Reconciliation;

/// <summary>Puts what is known of an ad into the buckets of a question.</summary>
internal static class ProofReport
{
    /// <summary>The answer.</summary>
    /// <param name="question">A question that <see cref="BucketAlignment.TryAlign"/> takes.</param>
    /// <param name="proof">What is known of the hours that it touches.</param>
    public static ReconciliationResponse Of(ClickQuery question, AdProof proof)
    {
        if (!BucketAlignment.TryAlign(question, out var range, out var error))
        {
            throw new ArgumentException(error, nameof(question));
        }

        var verdicts = proof.Verdicts.ToDictionary(verdict => verdict.Hour);
        var streamed = proof.Streamed.ToLookup(cell => BucketOf(range, cell.Minute));
        var corrections = proof.Corrections.ToLookup(cell => BucketOf(range, cell.Minute));
        var buckets = new List<ReconciliationBucket>();
        for (var bucket = 0; bucket < range.Count; bucket++)
        {
            var counted = new long[ClickOutcomes.Count];
            foreach (var (_, outcome, clicks) in streamed[bucket])
            {
                counted[(int)outcome] += clicks;
            }

            if (counted.Any(clicks => clicks != 0) || corrections[bucket].Any() || question.FillZero)
            {
                buckets.Add(BucketOf(range, bucket, counted, [.. corrections[bucket]], verdicts));
            }
        }

        return new ReconciliationResponse(
            question.AdId!, ClickQuestion.Name(question.Granularity), question.TimeZone, range.From.UtcDateTime, range.To.UtcDateTime, buckets,
            [.. proof.Runs.Select(RunOf)]);
    }

    private static ReconciliationBucket BucketOf(AlignedRange range, int bucket, long[] streamed, List<Correction> corrections, Dictionary<int, HourVerdict> verdicts)
    {
        var (start, end) = (range.StartOf(bucket), range.StartOf(bucket + 1));
        var hours = HourRange.Around(start.ToUnixTimeMilliseconds(), end.ToUnixTimeMilliseconds());
        var known = Enumerable.Range(hours.First, hours.Count).Select(hour => verdicts.GetValueOrDefault(hour)).ToList();
        var isRecounted = known.TrueForAll(verdict => verdict is { IsReconciled: true });
        var recounted = streamed.ToArray();
        foreach (var cell in corrections)
        {
            recounted[(int)cell.Outcome] += cell.Recounted - cell.Streamed;
        }

        var state = corrections.Exists(cell => cell.IsMismatch) ? "MISMATCH"
            : isRecounted ? "MATCH"
            : known.Exists(verdict => verdict is { State: RunState.Unproven }) ? "UNPROVEN"
            : "PENDING";
        return new ReconciliationBucket(
            start.UtcDateTime, state, recounted.Sum(), CountsOf(streamed), isRecounted ? CountsOf(recounted) : null,
            corrections.Where(cell => cell.Outcome == ClickOutcome.Accepted).Sum(cell => cell.Settled), [.. known.OfType<HourVerdict>().Select(verdict => verdict.Run).Distinct()]);
    }

    private static int BucketOf(AlignedRange range, int minute)
    {
        var time = DateTimeOffset.UnixEpoch.AddMinutes(minute);
        var (low, high) = (0, range.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (time < range.StartOf(middle))
            {
                high = middle - 1;
            }
            else if (time >= range.StartOf(middle + 1))
            {
                low = middle + 1;
            }
            else
            {
                return middle;
            }
        }

        return -1; // an hour that is touched lies partly outside
    }

    private static OutcomeCounts CountsOf(long[] clicks) => new(
        clicks[(int)ClickOutcome.Accepted], clicks[(int)ClickOutcome.Duplicate], clicks[(int)ClickOutcome.Repeat], clicks[(int)ClickOutcome.Late],
        clicks.Where((_, outcome) => ((ClickOutcome)outcome).IsInvalid()).Sum(),
        clicks.Index().Where(count => ((ClickOutcome)count.Index).IsInvalid() && count.Item != 0)
            .ToDictionary(count => ((ClickOutcome)count.Index).Name(), count => count.Item, StringComparer.Ordinal));

    // What other advertisers' ads came to is not told.
    private static ReconciliationRunResponse RunOf(RunEvidence evidence)
    {
        var run = evidence.Record;
        return new ReconciliationRunResponse(
            run.Run, DateTimeOffset.UnixEpoch.AddHours(run.Hours.First).UtcDateTime, DateTimeOffset.UnixEpoch.AddHours(run.Hours.End).UtcDateTime, run.FinishedAt.UtcDateTime,
            run.Reason.Length > 0 ? run.Reason : null, run.Rules.Length > 0 ? run.Rules : null,
            [.. evidence.Covered.Select(covered => new ReconciliationOffsets(covered.LogEpoch, covered.Partition, covered.FirstOffset, covered.EndOffset))],
            [.. evidence.Files.Select(file => new ReconciliationFile(file.Name, file.Bytes, Convert.ToHexStringLower(file.Sha256), file.Problem.Length > 0 ? file.Problem : null))]);
    }
}
