using System.CommandLine;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Ceiling;

/// <summary><c>ceiling</c>: the gateway's highest redirect rate beside that of bare Kestrel, in the same run.</summary>
internal static class CeilingCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var gateway = GatewayOptions.Assembly();
        var settings = GatewayOptions.Settings();
        var folder = GatewayOptions.Folder();
        var tool = new Option<string>("--tool") { Description = "builtin, or wrk if it is installed.", DefaultValueFactory = _ => "builtin" };
        tool.AcceptOnlyFromAmong("builtin", "wrk");
        var rounds = new Option<int>("--rounds") { Description = "Rounds of bare, gateway.", DefaultValueFactory = _ => 3 }
            .Within(1, 1_000);
        var duration = new Option<double>("--duration") { Description = "Seconds of each measurement.", DefaultValueFactory = _ => 10 }
            .Within(1, 3_600);
        var connections = new Option<int>("--connections") { Description = "Connections, each with one request on its way.", DefaultValueFactory = _ => 512 }
            .Within(1, 10_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 10_000_000);
        var seed = new Option<ulong>("--seed") { Description = "Draws the clicks.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command("ceiling", "Measure the highest redirect rate of the gateway and of bare Kestrel in turns, and print their medians and ratio.")
        {
            gateway, settings, folder, tool, rounds, duration, connections, ads, seed, json,
        };
        command.SetAction(async parsed =>
        {
            var report = await InlineSockets.RunBesideAsync(() => CeilingRun.RunAsync(
                new CeilingSettings(
                    parsed.GetValue(gateway),
                    parsed.GetValue(settings) ?? [],
                    parsed.GetValue(folder),
                    parsed.GetValue(tool) == "wrk",
                    parsed.GetValue(rounds),
                    TimeSpan.FromSeconds(parsed.GetValue(duration)),
                    parsed.GetValue(connections),
                    parsed.GetValue(ads),
                    parsed.GetValue(seed)),
                Console.Error));
            ReportJson.Print(report, parsed.GetValue(json));
            return 0;
        });
        return command;
    }
}
