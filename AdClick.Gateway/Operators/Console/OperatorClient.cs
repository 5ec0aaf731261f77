using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The node could not be asked; the message says why, in one line.</summary>
internal sealed class OperatorClientException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The node refuses the words; the message is its own.</summary>
internal sealed class OperatorRefusalException(string message, bool isConfirmationMissing) : Exception(message)
{
    /// <summary>Whether the command would be run if it were confirmed.</summary>
    public bool IsConfirmationMissing { get; } = isConfirmationMissing;
}

/// <summary>Asks a node's console over HTTP.</summary>
internal sealed class OperatorClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    /// <summary>A client of a node.</summary>
    /// <param name="node">Its address.</param>
    /// <param name="key">An API key with the scope admin.</param>
    public OperatorClient(Uri node, string key)
    {
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = Patience, AllowAutoRedirect = false }) { BaseAddress = node, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>Values as an object on a line.</summary>
    public static string ToJson(IReadOnlyDictionary<string, string> values) => JsonSerializer.Serialize(values, ApiJson.Context.IReadOnlyDictionaryStringString);

    /// <summary>The node's commands.</summary>
    /// <exception cref="OperatorClientException">It could not be asked.</exception>
    public async Task<IReadOnlyList<OperatorCommandResponse>> ListAsync()
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, OperatorEndpoints.Path));
        return (await ReadAsync(answer, ApiJson.Context.OperatorCommandList)).Commands;
    }

    /// <summary>Runs a command and gives its lines as they come; the last one has <see cref="OperatorLineResponse.Done"/>.</summary>
    /// <param name="words">Palette, command and what it takes.</param>
    /// <param name="isConfirmed">Whether it is meant even if it does harm.</param>
    /// <param name="cancelled">Ends it, and a live command with it.</param>
    /// <exception cref="OperatorClientException">The node could not be asked, or went away in the middle.</exception>
    /// <exception cref="OperatorRefusalException">It refuses.</exception>
    public async IAsyncEnumerable<OperatorLineResponse> RunAsync(
        IReadOnlyList<string> words, bool isConfirmed, [EnumeratorCancellation] CancellationToken cancelled = default)
    {
        var body = new RunOperatorCommandRequest { Words = words, Confirmed = isConfirmed };
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Post, OperatorEndpoints.Path)
        {
            Content = JsonContent.Create(body, ApiJson.Context.RunOperatorCommandRequest),
        }, cancelled);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancelled));
        while (await ReadLineAsync(lines, cancelled) is { } text)
        {
            var line = JsonSerializer.Deserialize(text, ApiJson.Context.OperatorLineResponse)!;
            yield return line;
            if (line.Done is not null)
            {
                yield break;
            }
        }

        throw WentAway(null);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<string?> ReadLineAsync(StreamReader lines, CancellationToken cancelled)
    {
        try
        {
            return await lines.ReadLineAsync(cancelled);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw WentAway(e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancelled = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        patience.CancelAfter(Patience);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancelled.IsCancellationRequested)
        {
            var why = e is OperationCanceledException ? $"no answer within {Patience.TotalSeconds:0} s" : e.Message;
            throw new OperatorClientException($"No node answers at {_http.BaseAddress}: {why}.", e);
        }

        if (answer.IsSuccessStatusCode && answer.Content.Headers.ContentType?.MediaType is "application/json" or OperatorEndpoints.LinesContentType)
        {
            return answer;
        }

        using (answer)
        {
            throw await ExplainAsync(answer);
        }
    }

    private async Task<Exception> ExplainAsync(HttpResponseMessage answer)
    {
        if (answer.Content.Headers.ContentType?.MediaType != Problem.ContentType)
        {
            return new OperatorClientException($"What answers at {_http.BaseAddress} is no AdClick node that has a console (HTTP {(int)answer.StatusCode}).");
        }

        var problem = await ReadAsync(answer, ApiJson.Context.ProblemBody);
        return problem.Type == ProblemKind.UnknownCommand.Type || problem.Type == ProblemKind.InvalidRequest.Type
            ? new OperatorRefusalException(problem.Detail, false)
            : problem.Type == ProblemKind.NotConfirmed.Type
                ? new OperatorRefusalException(problem.Detail, true)
                : new OperatorClientException($"The node at {_http.BaseAddress} refuses: {problem.Detail}");
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return (await answer.Content.ReadFromJsonAsync(type))!;
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or IOException)
        {
            throw new OperatorClientException($"The node at {_http.BaseAddress} answers what can't be read: {e.Message}", e);
        }
    }

    private OperatorClientException WentAway(Exception? e) => new($"The node at {_http.BaseAddress} went away in the middle of its answer.", e);
}
