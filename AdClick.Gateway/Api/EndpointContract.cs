using System.ComponentModel.DataAnnotations;

namespace AdClick.Gateway.Api;

/// <summary>A query parameter that an endpoint knows; all others are refused.</summary>
/// <param name="Name">Name.</param>
/// <param name="Description">For people.</param>
internal sealed record QueryParameter(string Name, string Description)
{
    /// <summary>Rule that the value keeps, if one can say it.</summary>
    public ValidationAttribute? Rule { get; init; }

    /// <summary>What holds when it is left out.</summary>
    public string? Default { get; init; }

    /// <summary>Format in the sense of JSON Schema.</summary>
    public string? Format { get; init; }
}

/// <summary>A part of an endpoint's path that is no ID.</summary>
/// <param name="Name">Name.</param>
/// <param name="MaxLength">Most characters; all are of an ID's alphabet.</param>
internal sealed record LongPathPart(string Name, int MaxLength)
{
    /// <summary>What it looks like, as a regular expression.</summary>
    public string Pattern => $"^[A-Za-z0-9_-]{{1,{MaxLength}}}$";
}

/// <summary>The query parameters of an endpoint.</summary>
/// <param name="Parameters">All it knows.</param>
internal sealed record QueryContract(IReadOnlyList<QueryParameter> Parameters);

/// <summary>The JSON body of an endpoint.</summary>
/// <param name="Type">Type that it is read as.</param>
internal sealed record BodyContract(Type Type);

/// <summary>The CSV body of an endpoint.</summary>
/// <param name="Description">What its lines hold.</param>
internal sealed record CsvBodyContract(string Description);

/// <summary>Errors that an endpoint answers with.</summary>
/// <param name="Kinds">Kinds.</param>
internal sealed record RefusalContract(IReadOnlyList<ProblemKind> Kinds);

/// <summary>Says what an endpoint takes and gives. Requests are checked, and OpenAPI is written, from the same words.</summary>
internal static class EndpointContract
{
    /// <summary>The endpoint takes a JSON body.</summary>
    public static RouteHandlerBuilder WithBody<T>(this RouteHandlerBuilder builder) where T : class => builder
        .WithMetadata(new BodyContract(typeof(T)), new BodyLimit())
        .Refuses(ProblemKind.InvalidRequest, ProblemKind.MalformedBody, ProblemKind.BodyTooLarge, ProblemKind.UnsupportedMediaType);

    /// <summary>The endpoint takes a CSV body.</summary>
    public static RouteHandlerBuilder WithCsvBody(this RouteHandlerBuilder builder, string description) => builder
        .WithMetadata(new CsvBodyContract(description), new BodyLimit())
        .Refuses(ProblemKind.InvalidRequest, ProblemKind.BodyTooLarge, ProblemKind.UnsupportedMediaType);

    /// <summary>A part of the endpoint's path may be longer than an ID.</summary>
    public static RouteHandlerBuilder WithLongPart(this RouteHandlerBuilder builder, string name, int maxLength) =>
        builder.WithMetadata(new LongPathPart(name, maxLength));

    /// <summary>The endpoint takes these query parameters.</summary>
    public static RouteHandlerBuilder WithQuery(this RouteHandlerBuilder builder, params QueryParameter[] parameters) =>
        builder.WithMetadata(new QueryContract(parameters));

    /// <summary>The endpoint answers with JSON.</summary>
    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder builder, int status, string description, params string[] furtherTypes) =>
        builder.WithMetadata(
            new ProducesResponseTypeMetadata(status, typeof(T), ["application/json", .. furtherTypes]) { Description = description });

    /// <summary>The endpoint answers with a stream of events.</summary>
    public static RouteHandlerBuilder GivesEvents<T>(this RouteHandlerBuilder builder, string description, string contentType) =>
        builder.WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [contentType]) { Description = description });

    /// <summary>The endpoint answers without a body.</summary>
    public static RouteHandlerBuilder Gives(this RouteHandlerBuilder builder, int status, string description) =>
        builder.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(void), []) { Description = description });

    /// <summary>The endpoint answers with these errors.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder builder, params ProblemKind[] kinds) =>
        builder.WithMetadata(new RefusalContract(kinds));

    /// <summary>Refuses IDs in the path that are none, and query parameters that the endpoint does not know or that are given twice.</summary>
    public static async ValueTask<object?> CheckRequestAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var errors = new FieldErrors();
        var longPart = http.GetEndpoint()?.Metadata.GetMetadata<LongPathPart>();
        foreach (var (name, value) in http.Request.RouteValues.Where(part => part.Key != longPart?.Name))
        {
            errors.Check(name, value, new IdAttribute());
        }

        var known = http.GetEndpoint()?.Metadata.GetMetadata<QueryContract>()?.Parameters ?? [];
        foreach (var (name, values) in http.Request.Query)
        {
            if (!known.Any(parameter => parameter.Name == name))
            {
                errors.Add(name, known.Count == 0
                    ? "is not a parameter of this path, which has none"
                    : $"is not a parameter of this path, which has {string.Join(", ", known.Select(parameter => parameter.Name))}");
            }
            else if (values.Count > 1)
            {
                errors.Add(name, "must be given once");
            }
        }

        return errors.Any ? errors.ToProblem() : await next(context);
    }
}
