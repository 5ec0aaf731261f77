using System.CommandLine;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Commands;
using AdClick.Gateway.Hosting;

// Settings may follow on every command line: --AdClick:Data=./data --urls http://127.0.0.1:8080
var ad = new Option<string>("--ad") { Description = "Ad ID", Required = true };
var count = new Option<int>("--count") { Description = "Number of click URLs", DefaultValueFactory = _ => 1 };
var placement = new Option<string?>("--placement") { Description = "Placement that the impressions carry" };
ad.Validators.Add(result => Check(result, result.GetValueOrDefault<string>(), text => Ids.IsValid(text), Ids.Rule));
placement.Validators.Add(result => Check(result, result.GetValueOrDefault<string?>(), text => text is null || Ids.IsValid(text), Ids.Rule));
count.Validators.Add(result => Check(result, result.GetValueOrDefault<int>(), n => n is >= 1 and <= TokensCommand.MaxCount, $"1 to {TokensCommand.MaxCount}"));

var tokens = new Command("tokens", "Print signed click URLs, one a line; works beside a running node") { ad, count, placement };
tokens.TreatUnmatchedTokensAsErrors = false;
tokens.SetAction(parsed => TokensCommand.Run(
    parsed.GetValue(ad)!, parsed.GetValue(count), parsed.GetValue(placement), CommandSettings.Of(parsed.UnmatchedTokens), Console.Out));

var partitions = new Option<int>("--partitions") { Description = "New number of partitions", Required = true };
partitions.Validators.Add(result => Check(
    result, result.GetValueOrDefault<int>(), n => n is >= 1 and <= EmbeddedClickLog.MaxPartitions, $"1 to {EmbeddedClickLog.MaxPartitions}"));
var topic = new Option<string?>("--topic") { Description = "With Kafka: the topic that takes the place of the present one." };
var repartition = new Command("repartition", "Change the number of partitions of the click log, while the node is stopped") { partitions, topic };
repartition.TreatUnmatchedTokensAsErrors = false;
repartition.SetAction((parsed, _) =>
    RepartitionCommand.RunAsync(parsed.GetValue(partitions), parsed.GetValue(topic), CommandSettings.Of(parsed.UnmatchedTokens), Console.Out));

var demo = new Command("demo", $"Serve with sample ads, two days of history and live traffic, in {DemoCommand.DefaultData}");
demo.TreatUnmatchedTokensAsErrors = false;
demo.SetAction((parsed, _) => DemoCommand.RunAsync(CommandSettings.Of(parsed.UnmatchedTokens), Console.Out));

var isConfirmed = new Option<bool>(PbmCommand.Yes) { Description = "A command that does harm is meant" };
var isJson = new Option<bool>(PbmCommand.Json) { Description = "A JSON object a line, instead of text" };
var pbm = new Command("pbm", "Ask a node, or tell it what to do: pbm [HOST:PORT] PALETTE COMMAND …; without a command, a prompt on a terminal, and what there is elsewhere") { isConfirmed, isJson };
pbm.TreatUnmatchedTokensAsErrors = false;
pbm.SetAction((parsed, _) => PbmCommand.RunAsync(parsed.UnmatchedTokens, parsed.GetValue(isConfirmed), parsed.GetValue(isJson)));

var from = new Option<string>("--from") { Description = "First hour in UTC, such as 2026-11-24T01Z", Required = true };
var to = new Option<string>("--to") { Description = "Hour after the last", Required = true };
var hasRules = new Option<bool>("--rules") { Description = "Say what other rules would have given, which changes nothing" };
var bots = new Option<string?>("--bots") { Description = "With --rules: name of a list in the folder bots of the node's data folder" };
var lifetime = new Option<string?>("--lifetime") { Description = "With --rules: another impression lifetime, [d.]hh:mm:ss" };
var lateness = new Option<string?>("--lateness") { Description = "With --rules: another allowed lateness, [d.]hh:mm:ss" };
var isApplied = new Option<bool>("--apply") { Description = "With --rules: make answers show what they give, and put that on record" };
var reconcile = new Command("reconcile", "Have a running node re-count hours from the raw clicks: reconcile [HOST:PORT] --from HOUR --to HOUR")
{
    from, to, hasRules, bots, lifetime, lateness, isApplied, isConfirmed,
};
reconcile.TreatUnmatchedTokensAsErrors = false;
reconcile.Validators.Add(result =>
{
    if (!result.GetValue(hasRules) && (result.GetValue(isApplied) || (result.GetValue(bots) ?? result.GetValue(lifetime) ?? result.GetValue(lateness)) is not null))
    {
        result.AddError("--bots, --lifetime, --lateness and --apply go with --rules.");
    }
});
reconcile.SetAction((parsed, _) => ReconcileCommand.RunAsync(
    parsed.GetValue(from)!, parsed.GetValue(to)!,
    parsed.GetValue(hasRules)
        ? new ReconcileCommand.OtherRules(parsed.GetValue(bots), parsed.GetValue(lifetime), parsed.GetValue(lateness), parsed.GetValue(isApplied))
        : null,
    parsed.GetValue(isConfirmed), parsed.UnmatchedTokens));

var root = new RootCommand("AdClick counts ad clicks. Without a command it serves; settings follow as --AdClick:Name=value or --urls ADDRESS.") { demo, tokens, repartition, reconcile, pbm };
root.TreatUnmatchedTokensAsErrors = false;
root.SetAction((parsed, _) => ServeCommand.RunAsync(CommandSettings.Of(parsed.UnmatchedTokens)));

try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception e) when (e is InvalidSettingsException or StartupException)
{
    await Console.Error.WriteLineAsync($"AdClick does not start. {e.Message}");
    return StartupException.ExitCode;
}

static void Check<T>(System.CommandLine.Parsing.OptionResult result, T value, Func<T, bool> isValid, string rule)
{
    if (!isValid(value))
    {
        result.AddError($"{result.Option.Name} must be {rule}.");
    }
}
