using System.CommandLine;
using AdClick.Benchmarks.Compare;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Load;

/// <summary><c>load</c>: whole-system load with a check of every count.</summary>
internal static class LoadCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var url = new Option<string[]>("--url")
        {
            Description = "A running gateway, such as http://127.0.0.1:8080; may be repeated for others of its cluster. Without it, one is started in a folder of its own.",
        };
        var adminKey = new Option<string?>("--admin-key") { Description = "With --url: its admin key." };
        var signingKey = new Option<string?>("--signing-key") { Description = "With --url: a signing key that it accepts, ID:BASE64; tokens are signed here." };
        var gateway = GatewayOptions.Assembly();
        var settings = GatewayOptions.Settings();
        var folder = GatewayOptions.Folder();
        var keep = new Option<bool>("--keep") { Description = "Keep the data folder of the gateway that was started." };
        var rate = new Option<double>("--rate") { Description = "Clicks per second; 0: as fast as possible.", DefaultValueFactory = _ => 10_000 }
            .Within(0, 1_000_000);
        var duration = new Option<double>("--duration") { Description = "Seconds of load.", DefaultValueFactory = _ => 60 }
            .Within(1, 86_400);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 100_000 }
            .Within(1, 10_000_000);
        var skew = new Option<double>("--skew") { Description = "Zipf exponent of the ads' popularity; 0: all alike.", DefaultValueFactory = _ => 1 }
            .Within(0, 10);
        var duplicates = new Option<double>("--duplicates") { Description = "Share of second clicks, 0 to 1.", DefaultValueFactory = _ => 0.1 }
            .Within(0, 1);
        var bots = new Option<double>("--bots") { Description = "Share of bots' clicks, 0 to 1.", DefaultValueFactory = _ => 0.01 }
            .Within(0, 1);
        var connections = new Option<int>("--connections") { Description = "Connections, each with one click on its way.", DefaultValueFactory = _ => 128 }
            .Within(1, 10_000);
        var lifetime = new Option<double>("--lifetime") { Description = "Minutes that an impression lives.", DefaultValueFactory = _ => 60 }
            .Within(5, 100_000);
        var kills = new Option<int>("--kills") { Description = "Kill the started gateway so many times (SIGKILL), at random moments of the load.", DefaultValueFactory = _ => 0 }
            .Within(0, 10_000);
        var kafka = new Option<bool>("--kafka") { Description = "Start a mock Kafka cluster of three brokers, and have the gateway's click log on it." };
        var kafkaPartitions = new Option<int>("--kafka-partitions") { Description = "With --kafka: partitions of the topic.", DefaultValueFactory = _ => new KafkaLoad().Partitions }
            .Within(1, 1_024);
        var faults = new Option<string[]>("--fault") { Description = $"With --kafka: what happens to the cluster, {KafkaFault.Form}; may be repeated." };
        var database = new Option<string?>("--database")
        {
            Description = "Start a database server for the gateway, in a folder of its own: plain (PostgreSQL) or timescale (with TimescaleDB); without it, SQLite.",
        };
        database.AcceptOnlyFromAmong("plain", "timescale");
        var databaseFaults = new Option<string[]>("--database-fault") { Description = $"With --database: what happens to the server, {DatabaseFault.Form}; may be repeated." };
        var patience = new Option<double>("--patience") { Description = "Seconds to wait for complete counts at the end.", DefaultValueFactory = _ => 60 }
            .Within(1, 3_600);
        var seed = new Option<ulong>("--seed") { Description = "Draws ads, duplicates, bots and moments of death.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command("load", "Load a gateway at a steady rate, then compare the counts of every ad with what they must be. Exit code 1 if any is wrong.")
        {
            url, adminKey, signingKey, gateway, settings, folder, keep, rate, duration, ads, skew, duplicates, bots, connections, lifetime, kills, kafka, kafkaPartitions, faults,
            database, databaseFaults, patience, seed, json, CompareCommand.Make(),
        };
        command.Validators.Add(result =>
        {
            var isStarted = result.GetValue(url) is not { Length: > 0 };
            if (!isStarted && (result.GetValue(adminKey) is null || result.GetValue(signingKey) is null))
            {
                result.AddError("--url needs --admin-key and --signing-key.");
            }

            if (!isStarted && result.GetValue(kafka))
            {
                result.AddError("--kafka needs a gateway that is started here, without --url.");
            }

            if (!result.GetValue(kafka) && (result.GetResult(kafkaPartitions) is { Implicit: false } || result.GetValue(faults) is { Length: > 0 }))
            {
                result.AddError("--kafka-partitions and --fault need --kafka.");
            }

            if (!isStarted && result.GetValue(database) is not null)
            {
                result.AddError("--database needs a gateway that is started here, without --url.");
            }

            if (result.GetValue(database) is null && result.GetValue(databaseFaults) is { Length: > 0 })
            {
                result.AddError("--database-fault needs --database.");
            }

            foreach (var fault in result.GetValue(faults) ?? [])
            {
                Check(() => KafkaFault.Parse(fault));
            }

            foreach (var fault in result.GetValue(databaseFaults) ?? [])
            {
                Check(() => DatabaseFault.Parse(fault));
            }

            if (!isStarted && result.GetResult(kills) is { Implicit: false })
            {
                result.AddError("--kills needs a gateway that is started here, without --url.");
            }

            void Check(Action parse)
            {
                try
                {
                    parse();
                }
                catch (ArgumentException e)
                {
                    result.AddError(e.Message);
                }
            }
        });
        command.SetAction(async parsed =>
        {
            var given = parsed.GetValue(url) ?? [];
            var report = await InlineSockets.RunBesideAsync(() => LoadRun.RunAsync(
                new LoadSettings
                {
                    Urls = given,
                    Keys = given.Length == 0 ? BenchmarkKeys.Make() : BenchmarkKeys.Parse(parsed.GetValue(adminKey)!, parsed.GetValue(signingKey)!),
                    Gateway = parsed.GetValue(gateway),
                    GatewaySettings = parsed.GetValue(settings) ?? [],
                    Kafka = parsed.GetValue(kafka)
                        ? new KafkaLoad
                        {
                            Partitions = parsed.GetValue(kafkaPartitions),
                            Faults = [.. (parsed.GetValue(faults) ?? []).Select(KafkaFault.Parse)],
                        }
                        : null,
                    Database = parsed.GetValue(database) is { } kind
                        ? new DatabaseLoad(kind, [.. (parsed.GetValue(databaseFaults) ?? []).Select(DatabaseFault.Parse)])
                        : null,
                    Folder = parsed.GetValue(folder),
                    KeepsFolder = parsed.GetValue(keep),
                    Rate = parsed.GetValue(rate),
                    Duration = TimeSpan.FromSeconds(parsed.GetValue(duration)),
                    Ads = parsed.GetValue(ads),
                    Mix = new ClickMix
                    {
                        Skew = parsed.GetValue(skew),
                        Duplicates = parsed.GetValue(duplicates),
                        Bots = parsed.GetValue(bots),
                        Lifetime = TimeSpan.FromMinutes(parsed.GetValue(lifetime)),
                    },
                    Connections = parsed.GetValue(connections),
                    Kills = parsed.GetValue(kills),
                    Patience = TimeSpan.FromSeconds(parsed.GetValue(patience)),
                    Seed = parsed.GetValue(seed),
                },
                Console.Error));
            ReportJson.Print(report, parsed.GetValue(json));
            return report.IsGood ? 0 : 1;
        });
        return command;
    }
}
