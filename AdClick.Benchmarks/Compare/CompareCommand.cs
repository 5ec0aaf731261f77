using System.CommandLine;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Compare;

/// <summary><c>load compare</c>: AdClick beside what people would use instead, in one run.</summary>
internal static class CompareCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var gateway = GatewayOptions.Assembly();
        var settings = GatewayOptions.Settings();
        var folder = GatewayOptions.Folder();
        var contenders = new Option<string[]>("--only") { Description = $"Only this contender; may be repeated. They are: {string.Join(", ", Contenders.All.Select(contender => contender.Name))}." };
        contenders.AcceptOnlyFromAmong([.. Contenders.All.Select(contender => contender.Name)]);
        var rounds = new Option<int>("--rounds") { Description = "How many times each is started and measured, in turns.", DefaultValueFactory = _ => 5 }
            .Within(1, 1_000);
        var duration = new Option<double>("--duration") { Description = "Seconds of each measurement.", DefaultValueFactory = _ => 10 }
            .Within(1, 3_600);
        var rate = new Option<double>("--rate") { Description = "Clicks per second at which answers are timed.", DefaultValueFactory = _ => 10_000 }
            .Within(1, 1_000_000);
        var connections = new Option<int>("--connections") { Description = "Connections, each with one click on its way.", DefaultValueFactory = _ => 512 }
            .Within(1, 10_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 10_000_000);
        var seed = new Option<ulong>("--seed") { Description = "Draws the clicks.", DefaultValueFactory = _ => 1 };
        var output = new Option<string?>("--output") { Description = "Existing folder for compare.md and compare.svg; by default the tables are printed." };
        var command = new Command("compare", "Measure AdClick, nginx, bare Kestrel and a hand-made click server in turns. Needs Linux, nginx and, for PostgreSQL, .ci/postgres.")
        {
            gateway, settings, folder, contenders, rounds, duration, rate, connections, ads, seed, output,
        };
        command.SetAction(async parsed =>
        {
            var report = await InlineSockets.RunBesideAsync(() => CompareRun.RunAsync(
                new CompareSettings
                {
                    Gateway = parsed.GetValue(gateway),
                    GatewaySettings = parsed.GetValue(settings) ?? [],
                    Folder = parsed.GetValue(folder),
                    Contenders = parsed.GetValue(contenders) ?? [],
                    Rounds = parsed.GetValue(rounds),
                    Duration = TimeSpan.FromSeconds(parsed.GetValue(duration)),
                    Rate = parsed.GetValue(rate),
                    Connections = parsed.GetValue(connections),
                    Ads = parsed.GetValue(ads),
                    Seed = parsed.GetValue(seed),
                },
                Console.Error));
            if (parsed.GetValue(output) is { } path)
            {
                await File.WriteAllTextAsync(Path.Combine(path, "compare.md"), $"# AdClick beside what people would use instead\n\n{report}\n![Redirects per second](compare.svg)\n");
                ComparePlot.Save(report, Path.Combine(path, "compare.svg"));
            }
            else
            {
                Console.WriteLine(report);
            }

            return report.IsGood ? 0 : 1;
        });
        return command;
    }
}
