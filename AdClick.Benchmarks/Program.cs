using System.CommandLine;
using AdClick.Benchmarks.Ceiling;
using AdClick.Benchmarks.Cluster;
using AdClick.Benchmarks.Compare;
using AdClick.Benchmarks.Counting;
using AdClick.Benchmarks.Kafka;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Micro;
using AdClick.Benchmarks.Pages;
using AdClick.Benchmarks.Queries;

namespace AdClick.Benchmarks;

/// <summary>The executable. A class with a namespace, so that the tests know whose <c>Program</c> is meant.</summary>
internal static class Program
{
    private const int Failed = 2; // 1 is a wrong count, or a wrong command line

    private static async Task<int> Main(string[] args)
    {
        InlineSockets.Use(); // before the first socket
        var commands = new RootCommand("Benchmarks of AdClick; docs/benchmarks/README.md says what each measures.")
        {
            LoadCommand.Make(),
            CeilingCommand.Make(),
            BareCommand.Make(),
            HandmadeCommand.Make(),
            DrainCommand.Make(),
            RestartCommand.Make(),
            CountCommand.Make(),
            RecountCommand.Make(),
            RecountCommand.MakeMeasure(),
            QueriesCommand.Make(),
            MicroCommand.Make(),
            PagesCommand.Make(),
            MockKafkaCommand.Make(),
            ClusterCommands.MakeCosts(),
            ClusterCommands.MakePauses(),
            ClusterCommands.MakeFill(),
        };
        try
        {
            return await commands.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is IOException or Microsoft.Playwright.PlaywrightException or InvalidOperationException or TimeoutException or HttpRequestException or ArgumentException)
        {
            Console.Error.WriteLine(e.Message);
            return Failed;
        }
    }
}
