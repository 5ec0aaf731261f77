using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace AdClick.Gateway.Api;

/// <summary>Reads the body of a request, and says precisely what is wrong with one that can't be read.</summary>
internal static class JsonBody
{
    /// <summary>Most bytes of a body: 1 MiB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Reads and checks the body: either it or the problem is null.</summary>
    /// <exception cref="BadHttpRequestException">The body is too large or ended early; the middleware answers.</exception>
    public static async ValueTask<(T? Body, Problem? Problem)> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class
    {
        var request = http.Request;
        if (request.ContentLength == 0 || http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return (null, new Problem(ProblemKind.MalformedBody, $"The request needs a JSON body with {Fields(type)}."));
        }

        if (!IsUtf8Json(request))
        {
            return (null, new Problem(
                ProblemKind.UnsupportedMediaType,
                $"The body was sent as \"{request.ContentType}\". Send it with Content-Type: application/json, in UTF-8."));
        }

        T? body;
        try
        {
            body = await JsonSerializer.DeserializeAsync(request.Body, type, http.RequestAborted);
        }
        catch (JsonException e)
        {
            return (null, Explain(e, type));
        }

        if (body is null)
        {
            return (null, new Problem(ProblemKind.MalformedBody, $"The body is null. Send a JSON object with {Fields(type)}."));
        }

        var errors = new FieldErrors();
        errors.CheckBody(body);
        return errors.Any ? (null, errors.ToProblem()) : (body, null);
    }

    private static bool IsUtf8Json(HttpRequest request) =>
        request.HasJsonContentType()
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static Problem Explain(JsonException e, JsonTypeInfo type)
    {
        // What the reader itself rejects is no JSON; the rest is JSON that does not fit.
        if (e.InnerException is JsonException || !TryGetField(e.Path, out var field))
        {
            return new Problem(
                ProblemKind.MalformedBody,
                $"The body is not a JSON object with {Fields(type)}: look at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.");
        }

        var property = type.Properties.FirstOrDefault(property => property.Name == field);
        return property is null
            ? FieldErrors.One(field, $"is not a field of this request, which has {Fields(type)}")
            : FieldErrors.One(field, $"must be given once, as {Kind(property.PropertyType)}");
    }

    private static bool TryGetField(string? path, [NotNullWhen(true)] out string? field)
    {
        // "$.name", or "$['na me']"
        field = path switch
        {
            ['$', '.', .. var name] => name.Split('.', '[')[0],
            ['$', '[', '\'', .. var name, '\'', ']'] => name,
            _ => null,
        };
        return !string.IsNullOrEmpty(field);
    }

    private static string Kind(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(int) ? "a whole number" : "a text";

    private static string Fields(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(property => property.Name));
}

/// <summary>Makes the server refuse larger bodies.</summary>
internal sealed class BodyLimit : IRequestSizeLimitMetadata
{
    /// <inheritdoc/>
    public long? MaxRequestBodySize => JsonBody.MaxBytes;
}
