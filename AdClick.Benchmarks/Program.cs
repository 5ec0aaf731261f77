using System.CommandLine;
using AdClick.Benchmarks.Ceiling;
using AdClick.Benchmarks.Counting;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Micro;
using AdClick.Benchmarks.Queries;

namespace AdClick.Benchmarks;

/// <summary>The executable. A class with a namespace, so that the tests know whose <c>Program</c> is meant.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        InlineSockets.Use(); // before the first socket
        return new RootCommand("Benchmarks of AdClick; docs/benchmarks/README.md says what each measures.")
        {
            LoadCommand.Make(),
            CeilingCommand.Make(),
            BareCommand.Make(),
            DrainCommand.Make(),
            RestartCommand.Make(),
            CountCommand.Make(),
            QueriesCommand.Make(),
            MicroCommand.Make(),
        }.Parse(args).InvokeAsync();
    }
}
