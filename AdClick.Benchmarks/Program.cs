using System.CommandLine;
using AdClick.Benchmarks.Load;

InlineSockets.Use(); // before the first socket
return await new RootCommand("Benchmarks of AdClick; docs/benchmarks/README.md says what each measures.")
{
    LoadCommand.Make(),
}.Parse(args).InvokeAsync();
