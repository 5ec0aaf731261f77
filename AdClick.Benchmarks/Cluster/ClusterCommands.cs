using System.CommandLine;
using System.Globalization;

namespace AdClick.Benchmarks.Cluster;

/// <summary><c>costs</c>, <c>pauses</c> and <c>fill</c>: what a click costs a running cluster, how long its partitions are not counted, and clicks for it to remember.</summary>
internal static class ClusterCommands
{
    /// <summary>The command <c>costs</c>.</summary>
    public static Command MakeCosts()
    {
        var (urls, adminKey, duration, json) = (Urls(), AdminKey(), Duration(), Json());
        var remoting = Ports("--remoting", "Ports of the nodes' remoting, with commas.");
        var kafka = Ports("--kafka", "Ports of the brokers, with commas.");
        var database = Ports("--database", "Port of the database server.");
        var command = new Command("costs", "Tell what a click costs a cluster of which every process is on this machine, while load --url … loads it: processor time, network, rows. Linux only; needs ss.")
        {
            urls, adminKey, remoting, kafka, database, duration, json,
        };
        command.SetAction(async parsed =>
        {
            var report = await CostsRun.RunAsync(new CostsSettings(
                parsed.GetRequiredValue(urls), parsed.GetRequiredValue(adminKey), parsed.GetRequiredValue(remoting), parsed.GetRequiredValue(kafka),
                parsed.GetRequiredValue(database), TimeSpan.FromSeconds(parsed.GetValue(duration))));
            ReportJson.Print(report, parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    /// <summary>The command <c>pauses</c>.</summary>
    public static Command MakePauses()
    {
        var (urls, adminKey, duration, json) = (Urls(), AdminKey(), Duration(), Json());
        var command = new Command("pauses", "Watch a cluster while nodes are stopped, killed or added, and tell the longest time in which each partition counted nothing.")
        {
            urls, adminKey, duration, json,
        };
        command.SetAction(async parsed =>
        {
            var report = await PausesRun.RunAsync(parsed.GetRequiredValue(urls), parsed.GetRequiredValue(adminKey), TimeSpan.FromSeconds(parsed.GetValue(duration)), Console.Error);
            ReportJson.Print(report, parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    /// <summary>The command <c>fill</c>.</summary>
    public static Command MakeFill()
    {
        var (urls, adminKey) = (Urls(), AdminKey());
        var kafka = new Option<string>("--kafka") { Description = "Its brokers, host:port with commas.", Required = true };
        var topic = new Option<string>("--topic") { Description = "Its topic.", DefaultValueFactory = _ => "adclick-clicks" };
        var clicks = new Option<long>("--clicks") { Description = "Number of clicks.", DefaultValueFactory = _ => 1_000_000 }.Within(1, 1_000_000_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 10_000 }.Within(1, 10_000_000);
        var command = new Command("fill", "Give a running cluster clicks to remember, straight through its topic, so that its partitions have some state to move.")
        {
            urls, adminKey, kafka, topic, clicks, ads,
        };
        command.SetAction(async parsed =>
        {
            await FillRun.RunAsync(
                parsed.GetRequiredValue(urls)[0], parsed.GetRequiredValue(adminKey), parsed.GetRequiredValue(kafka), parsed.GetRequiredValue(topic), parsed.GetValue(clicks),
                parsed.GetValue(ads), Console.Error);
            return 0;
        });
        return command;
    }

    private static Option<string[]> Urls() => new("--url") { Description = "A node, such as http://127.0.0.1:8080; repeat it for each.", Required = true };

    private static Option<string> AdminKey() => new("--admin-key") { Description = "Their admin key.", Required = true };

    private static Option<double> Duration() =>
        new Option<double>("--duration") { Description = "Seconds.", DefaultValueFactory = _ => 30 }.Within(1, 3_600);

    private static Option<bool> Json() => new("--json") { Description = "Print the report as JSON." };

    private static Option<int[]> Ports(string name, string description) => new(name)
    {
        Description = description,
        Required = true,
        CustomParser = argument =>
        {
            var ports = new List<int>();
            foreach (var text in argument.Tokens.SelectMany(token => token.Value.Split(',')))
            {
                if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65_535)
                {
                    argument.AddError($"{name} takes port numbers with commas, not '{text}'.");
                    return [];
                }

                ports.Add(port);
            }

            return [.. ports];
        },
    };
}
