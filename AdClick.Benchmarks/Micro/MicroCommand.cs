using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace AdClick.Benchmarks.Micro;

/// <summary><c>micro</c>: steps of a click one by one, with the bytes that they allocate.</summary>
internal static class MicroCommand
{
    /// <summary>The command; what follows it goes to BenchmarkDotNet.</summary>
    public static Command Make()
    {
        var arguments = new Argument<string[]>("arguments") { Description = "Arguments of BenchmarkDotNet, such as --filter '*VerifyToken*' or --list flat.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("micro", "Micro-benchmarks by BenchmarkDotNet; runs all unless --filter says otherwise.") { arguments };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed =>
        {
            string[] given = [.. parsed.GetValue(arguments) ?? [], .. parsed.UnmatchedTokens];

            // In this process: a project generated for each benchmark would have to be restored, and central package versions get in its way.
            var config = DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
            BenchmarkSwitcher.FromTypes([typeof(ClickBenchmarks), typeof(CountingBenchmarks)]).Run(given.Length > 0 ? given : ["--filter", "*"], config);
            return 0;
        });
        return command;
    }
}
