using System.Text.Json;
using AdClick.Gateway.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The operators' console over HTTP, on nodes of every role.</summary>
internal static partial class OperatorEndpoints
{
    /// <summary>The path.</summary>
    public const string Path = "/v1/operator/commands";

    /// <summary>Media type of a command's answer: a JSON object a line.</summary>
    public const string LinesContentType = "application/x-ndjson";

    private const int MaxWords = 32;
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    /// <summary>Maps <c>/v1/operator/commands</c>.</summary>
    public static IEndpointRouteBuilder MapOperatorCommands(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(Path, List)
            .WithName("listOperatorCommands").WithTags("Operating")
            .WithSummary("List the commands of the operators' console")
            .RequireAuthorization(ApiScopes.Admin)
            .AddEndpointFilter(EndpointContract.CheckRequestAsync)
            .Gives<OperatorCommandList>(200, "The commands, by palette.");
        endpoints.MapPost(Path, RunAsync)
            .WithName("runOperatorCommand").WithTags("Operating")
            .WithSummary("Run a command of the operators' console")
            .WithDescription(
                "The answer is a JSON object a line, sent as the command says it; the last one has done. A command that does harm has to be confirmed. Who ran what is in the log.")
            .RequireAuthorization(ApiScopes.Admin)
            .AddEndpointFilter(EndpointContract.CheckRequestAsync)
            .WithBody<RunOperatorCommandRequest>()
            .Gives<OperatorLineResponse>(200, "The lines.", LinesContentType)
            .Refuses(ProblemKind.UnknownCommand, ProblemKind.NotConfirmed);
        return endpoints;
    }

    private static JsonHttpResult<OperatorCommandList> List(OperatorCommands commands) => TypedResults.Json(
        new OperatorCommandList([.. commands.All.Select(OperatorCommandResponse.Of)]), ApiJson.Context.OperatorCommandList);

    private static async Task<IResult> RunAsync(HttpContext http, OperatorCommands commands, ILogger<OperatorCommands> logger)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.RunOperatorCommandRequest);
        if (body is null)
        {
            return problem!;
        }

        if (body.Words!.Count > MaxWords)
        {
            return FieldErrors.One("words", $"must be at most {MaxWords}");
        }

        var by = $"{http.User.Identity?.Name} at {http.Connection.RemoteIpAddress}";
        OperatorCall call;
        try
        {
            call = commands.Parse(body.Words, by, http.RequestAborted);
        }
        catch (OperatorCommandException e)
        {
            return new Problem(ProblemKind.UnknownCommand, e.Message);
        }

        if (call.Command.Confirmation is { } confirmation && !body.Confirmed)
        {
            return new Problem(ProblemKind.NotConfirmed, confirmation);
        }

        LogRun(logger, by, string.Join(' ', body.Words));
        await WriteAsync(http, call, logger);
        return Results.Empty;
    }

    private static async Task WriteAsync(HttpContext http, OperatorCall call, ILogger logger)
    {
        http.Response.ContentType = LinesContentType;
        http.Response.Headers.CacheControl = "no-store";
        var end = new OperatorLineResponse(Done: true);
        try
        {
            await http.Response.StartAsync(call.Cancelled); // a live command may have nothing to say for long
            await foreach (var line in call.Command.RunAsync(call).WithCancellation(call.Cancelled))
            {
                await SendAsync(http, new OperatorLineResponse(line.Text, line.Values.ToDictionary(StringComparer.Ordinal), line.FrameLines));
            }
        }
        catch (OperationCanceledException) when (call.Cancelled.IsCancellationRequested)
        {
            return;
        }
        catch (OperatorCommandException e)
        {
            end = new OperatorLineResponse(Done: false, Error: e.Message);
        }
#pragma warning disable CA1031 // The answer has begun: what went wrong has to be said in it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(logger, e, call.Command.Palette, call.Command.Name);
            end = new OperatorLineResponse(Done: false, Error: $"It failed: {e.Message} The node's log has more.");
        }

        await SendAsync(http, end);
    }

    private static async Task SendAsync(HttpContext http, OperatorLineResponse line)
    {
        await JsonSerializer.SerializeAsync(http.Response.Body, line, ApiJson.Context.OperatorLineResponse, http.RequestAborted);
        await http.Response.Body.WriteAsync(NewLine, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    [LoggerMessage(LogLevel.Information, "Operator {By} runs: {Words}")]
    private static partial void LogRun(ILogger logger, string by, string words);

    [LoggerMessage(LogLevel.Error, "The operators' command {Palette} {Command} failed.")]
    private static partial void LogFailed(ILogger logger, Exception exception, string palette, string command);
}
