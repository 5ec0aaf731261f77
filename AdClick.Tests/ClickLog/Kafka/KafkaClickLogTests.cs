using System.Text;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>The whole log on Kafka: what is confirmed to a writer comes to a reader.</summary>
public sealed class KafkaClickLogTests : IAsyncLifetime
{
    private readonly KafkaCluster _kafka = new();
    private readonly TestFolder _folder = new();

    public Task InitializeAsync() => _kafka.InitializeAsync();

    public async Task DisposeAsync()
    {
        await _kafka.DisposeAsync();
        _folder.Dispose();
    }

    [MockKafkaFact]
    public async Task What_is_confirmed_is_read_though_every_third_request_fails()
    {
        const int Records = 2_000;
        const int Partitions = 8;
        var options = _kafka.Options(await _kafka.CreateTopicAsync(Partitions), Partitions) with
        {
            SpoolFolder = _folder["spool"],
            ClientSettings = new Dictionary<string, string> { ["max.in.flight.requests.per.connection"] = "1" }, // see PushErrors
        };
        await using var log = await KafkaClickLog.OpenAsync(options, _folder["."], TimeSpan.FromHours(1), TimeProvider.System);
        _kafka.Mock.PushErrors(
            MockKafkaRequest.Produce,
            [.. Enumerable.Repeat((ErrorCode[])[ErrorCode.NoError, ErrorCode.NoError, ErrorCode.NotEnoughReplicas], 1_000).SelectMany(errors => errors)]);
        var writing = Task.WhenAll(Enumerable.Range(0, 16).Select(async writer =>
        {
            for (var i = writer; i < Records; i += 16)
            {
                await log.AppendAsync(i % Partitions, "key"u8, Encoding.UTF8.GetBytes($"record {i}"));
            }
        }));

        // What was not reported in time is in the spool, and comes from there: so it is read until all is there, not to an end.
        var missing = Enumerable.Range(0, Records).Select(i => $"record {i}").ToHashSet();
        using var done = new CancellationTokenSource();
        var reading = Enumerable.Range(0, Partitions).Select(partition => ReadAsync(log.OpenReader(partition, 0))).ToList();
        await writing.WithPatience("all records to be confirmed");
        await Task.WhenAll(reading).WithPatience("all confirmed records to be read");

        async Task ReadAsync(IClickLogReader reader)
        {
            using (reader)
            {
                try
                {
                    while (true)
                    {
                        var batch = await reader.ReadAsync(1_000, done.Token);
                        lock (missing)
                        {
                            for (var i = 0; i < batch.Count; i++)
                            {
                                missing.Remove(Encoding.UTF8.GetString(batch.Record(i)));
                            }

                            if (missing.Count == 0)
                            {
                                done.Cancel();
                            }
                        }
                    }
                }
                catch (OperationCanceledException) when (done.IsCancellationRequested)
                {
                    // All is there.
                }
            }
        }
    }
}
