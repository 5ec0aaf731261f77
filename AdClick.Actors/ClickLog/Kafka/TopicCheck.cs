using System.Globalization;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Judges a topic: what would break a promise refuses it, what only weakens one is a warning.</summary>
/// <remarks>
/// <list type="table">
/// <listheader><term>Finding</term><description>Then, and why</description></listheader>
/// <item><term>other number of partitions</term>
/// <description>refused: an ad's clicks would be in a partition that nobody counts it in</description></item>
/// <item><term><c>message.timestamp.type</c> is not LogAppendTime</term>
/// <description>refused: a gateway's clock would move the partition's</description></item>
/// <item><term><c>cleanup.policy</c> has compact</term><description>refused: of all clicks of an ad only the last would stay</description></item>
/// <item><term><c>retention.ms</c> below impression lifetime + allowed lateness</term>
/// <description>refused: a restart could miss clicks that still count</description></item>
/// <item><term><c>retention.ms</c> below the configured one</term><description>warning: less can be rebuilt than planned</description></item>
/// <item><term><c>retention.bytes</c> set</term><description>warning: it may end before its time what <c>retention.ms</c> keeps</description></item>
/// <item><term><c>min.insync.replicas</c> above the number of replicas</term><description>refused: no click could ever be stored</description></item>
/// <item><term><c>min.insync.replicas</c> equal to it, above 1</term>
/// <description>warning: one broker away, and clicks go to the spool</description></item>
/// <item><term><c>min.insync.replicas</c> or replicas below the configured ones, or 1</term>
/// <description>warning: a broker's disk can take clicks along</description></item>
/// <item><term><c>unclean.leader.election.enable</c></term>
/// <description>warning: a broker that lags may become leader and drop clicks</description></item>
/// <item><term><c>max.message.bytes</c> below a record</term><description>refused: a long click could never be stored</description></item>
/// <item><term><c>max.message.bytes</c> below the producer's batch</term>
/// <description>warning: full batches are refused</description></item>
/// <item><term>settings not told</term><description>warning: nobody has checked</description></item>
/// </list>
/// </remarks>
internal static class TopicCheck
{
    /// <summary>
    /// Bytes that a record batch of one record has beside the record: 61 of the batch, and the key, of at most 67, with its lengths.
    /// </summary>
    private const int BatchOverheadBytes = 256;

    /// <summary>librdkafka's <c>batch.size</c> unless it is set.</summary>
    private const long DefaultBatchBytes = 1_000_000;

    /// <summary>Judges a topic.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="topic">What is there.</param>
    /// <param name="neededRetention">Impression lifetime + allowed lateness: how long a click may still matter to the counting of others.</param>
    /// <returns>Sentences that name the setting.</returns>
    public static (IReadOnlyList<string> Refusals, IReadOnlyList<string> Warnings) Judge(
        KafkaOptions options, TopicFacts topic, TimeSpan neededRetention)
    {
        var findings = new Findings(options.Topic, topic.Settings);
        if (topic.Partitions != options.Partitions)
        {
            findings.Refuse($"has {topic.Partitions} partitions, but AdClick:Partitions asks for {options.Partitions}");
        }

        if (topic.ReplicationFactor < options.ReplicationFactor)
        {
            findings.Warn($"has {topic.ReplicationFactor} replicas, fewer than AdClick:Kafka:ReplicationFactor ({options.ReplicationFactor})");
        }

        if (topic.Settings is not null)
        {
            JudgeTime(findings, options, neededRetention);
            JudgeReplicas(findings, options, topic.ReplicationFactor);
            JudgeSize(findings, options);
        }

        return (findings.Refusals, findings.Warnings);
    }

    private static void JudgeTime(Findings findings, KafkaOptions options, TimeSpan neededRetention)
    {
        if (findings.Text("message.timestamp.type") is { } type && type != "LogAppendTime")
        {
            findings.Refuse($"has message.timestamp.type {type}; it must be LogAppendTime");
        }

        if (findings.Text("cleanup.policy") is { } policy && policy.Contains("compact", StringComparison.Ordinal))
        {
            findings.Refuse($"has cleanup.policy {policy}; it must be delete, or all clicks of an ad but the last would go");
        }

        if (findings.Number("retention.ms") is { } retention and >= 0)
        {
            if (retention < neededRetention.TotalMilliseconds)
            {
                findings.Refuse(
                    $"has retention.ms {retention}; impressions live so long that it must be at least {(long)neededRetention.TotalMilliseconds}");
            }
            else if (retention < options.TopicRetention.TotalMilliseconds)
            {
                findings.Warn(
                    $"has retention.ms {retention}, less than AdClick:Kafka:TopicRetention ({(long)options.TopicRetention.TotalMilliseconds})");
            }
        }

        if (findings.Number("retention.bytes") is { } bytes and >= 0)
        {
            findings.Warn($"has retention.bytes {bytes}, which may drop clicks before their time");
        }
    }

    private static void JudgeReplicas(Findings findings, KafkaOptions options, int replicas)
    {
        if (findings.Number("min.insync.replicas") is { } inSync)
        {
            if (inSync > replicas)
            {
                findings.Refuse($"has min.insync.replicas {inSync}, but only {replicas} replicas: it can take no click");
            }
            else if (inSync < options.MinInsyncReplicas)
            {
                findings.Warn($"has min.insync.replicas {inSync}, less than AdClick:Kafka:MinInsyncReplicas ({options.MinInsyncReplicas})");
            }
            else if (inSync == 1)
            {
                findings.Warn("has min.insync.replicas 1: a click whose redirect was sent may be on one disk only");
            }
            else if (inSync == replicas)
            {
                findings.Warn($"has min.insync.replicas {inSync} of {replicas} replicas: with any broker away, clicks go to the spool");
            }
        }

        if (findings.Text("unclean.leader.election.enable") == "true")
        {
            findings.Warn("has unclean.leader.election.enable: clicks whose redirects were sent may be dropped when brokers fail");
        }
    }

    private static void JudgeSize(Findings findings, KafkaOptions options)
    {
        if (findings.Number("max.message.bytes") is not { } most)
        {
            return;
        }

        const int RecordBytes = ClickLogLimits.MaxRecordBytes + BatchOverheadBytes;
        var batchBytes = options.ClientSettings.TryGetValue("batch.size", out var text)
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : DefaultBatchBytes;
        if (most < RecordBytes)
        {
            findings.Refuse($"has max.message.bytes {most}; a click may take {RecordBytes}");
        }
        else if (most < batchBytes)
        {
            findings.Warn(
                $"has max.message.bytes {most}, less than the producer's batches ({batchBytes}): set AdClick:Kafka:Client:batch.size below it");
        }
    }

    private sealed class Findings(string topic, IReadOnlyDictionary<string, string>? settings)
    {
        public List<string> Refusals { get; } = [];

        public List<string> Warnings { get; } = [];

        public void Refuse(string finding) => Refusals.Add(Sentence(finding));

        public void Warn(string finding) => Warnings.Add(Sentence(finding));

        // Null where the broker keeps a setting to itself, as hosted ones do.
        public string? Text(string name) => settings!.GetValueOrDefault(name);

        public long? Number(string name) =>
            long.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

        private string Sentence(string finding) => $"Topic '{topic}' {finding}.";
    }
}
