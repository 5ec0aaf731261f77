using System.CommandLine;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Pages;

/// <summary><c>pages</c>: what the pages weigh and how fast they draw, on the demo, in Chromium; and their screenshots.</summary>
internal static class PagesCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var gateway = GatewayOptions.Assembly();
        var chromium = new Option<string?>("--chromium") { Description = $"Path of Chromium; without it, {Chromium.Variable} or where systems have it." };
        var screenshots = new Option<string?>("--screenshots") { Description = "Folder to put screenshots into, rather than measuring." };
        var viewers = new Option<int>("--viewers") { Description = "Streams that are open at the same time when their cost is measured.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 5_000);
        var command = new Command("pages", "Start the demo, open its pages in Chromium and measure them, or take screenshots of them.") { gateway, chromium, screenshots, viewers };
        command.SetAction(async parsed =>
        {
            var path = Chromium.Find(parsed.GetValue(chromium))
                ?? throw new InvalidOperationException($"There is no Chromium. Install the package chromium, or give --chromium PATH or {Chromium.Variable}.");
            using var demo = await DemoProcess.StartAsync(parsed.GetValue(gateway), parsed.GetValue(viewers));
            await using var browser = await Chromium.StartAsync(path);
            if (parsed.GetValue(screenshots) is { } folder)
            {
                await new PageScreenshots(demo, browser, folder).TakeAsync();
            }
            else
            {
                await new PageMeasurement(demo, browser, Console.Out).RunAsync();
                await new ViewerCosts(demo, parsed.GetValue(viewers), Console.Out).RunAsync();
            }

            return 0;
        });
        return command;
    }
}
