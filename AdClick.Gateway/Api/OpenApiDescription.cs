using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AdClick.Gateway.Api;

/// <summary>Writes <c>/openapi/v1.json</c> from what the endpoints say of themselves (<see cref="EndpointContract"/>).</summary>
internal static class OpenApiDescription
{
    private const string SchemeName = "apiKey";

    /// <summary>Adds the document.</summary>
    public static void AddAdClickOpenApi(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer(DescribeDocumentAsync);
        options.AddOperationTransformer(DescribeOperationAsync);
        options.AddSchemaTransformer(DescribeSchemaAsync);
    });

    private static Task DescribeDocumentAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "AdClick",
            Version = "v1",
            Description = "Counts ad clicks exactly once. Times are RFC 3339 in UTC. "
                + "Errors are application/problem+json (RFC 9457) with a type to switch on.",
        };

        // Relative to wherever the document was read from.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[SchemeName] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "An API key. Scope admin may do everything, publisher issues impressions, advertiser reads the clicks of one advertiser.",
        };
        return Task.CompletedTask;
    }

    private static async Task DescribeOperationAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        foreach (var parameter in operation.Parameters ?? [])
        {
            if (parameter is OpenApiParameter { In: ParameterLocation.Path } path)
            {
                var longPart = metadata.OfType<LongPathPart>().FirstOrDefault(part => part.Name == path.Name);
                path.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = longPart?.Pattern ?? IdAttribute.Pattern };
            }
        }

        foreach (var parameter in metadata.OfType<QueryContract>().SelectMany(contract => contract.Parameters))
        {
            (operation.Parameters ??= []).Add(Describe(parameter));
        }

        if (metadata.OfType<BodyContract>().SingleOrDefault() is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/json"] = new() { Schema = await SchemaAsync(body.Type, context, cancellationToken) },
                },
            };
        }

        if (metadata.OfType<CsvBodyContract>().SingleOrDefault() is { } csv)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Description = csv.Description,
                Content = new Dictionary<string, OpenApiMediaType> { ["text/csv"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } },
            };
        }

        foreach (var given in metadata.OfType<ProducesResponseTypeMetadata>())
        {
            if (operation.Responses?.GetValueOrDefault(given.StatusCode.ToString(CultureInfo.InvariantCulture)) is { } response)
            {
                response.Description = given.Description;
            }
        }

        IEnumerable<ProblemKind> refusals = metadata.OfType<RefusalContract>().SelectMany(contract => contract.Kinds);
        if (metadata.OfType<IAuthorizeData>().LastOrDefault() is { Policy: { } scope })
        {
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, context.Document)] = [] }];
            var scopes = scope switch
            {
                ApiScopes.Admin => scope,
                ApiScopes.Any => $"{ApiScopes.Admin}, {ApiScopes.Publisher} or {ApiScopes.Advertiser}",
                _ => $"{scope} or {ApiScopes.Admin}",
            };
            operation.Description = $"{operation.Description} Needs a key of scope {scopes}.".Trim();
            refusals = refusals.Concat(
            [
                ProblemKind.InvalidRequest,
                ProblemKind.Unauthenticated,
                ProblemKind.Forbidden,
                ProblemKind.RateLimited,
                ProblemKind.InternalError,
                ProblemKind.StoreUnavailable,
            ]);
        }

        foreach (var status in refusals.Distinct().GroupBy(kind => kind.Status).OrderBy(status => status.Key))
        {
            operation.Responses ??= [];
            operation.Responses[status.Key.ToString(CultureInfo.InvariantCulture)] = await DescribeAsync(status, context, cancellationToken);
        }
    }

    private static OpenApiParameter Describe(QueryParameter parameter)
    {
        var schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = parameter.Format };
        ApplyRule(schema, parameter.Rule);
        if (parameter.Default is { } value)
        {
            schema.Default = schema.Type == JsonSchemaType.Integer ? JsonNode.Parse(value) : JsonValue.Create(value);
        }

        return new OpenApiParameter { Name = parameter.Name, In = ParameterLocation.Query, Description = parameter.Description, Schema = schema };
    }

    private static async Task<OpenApiResponse> DescribeAsync(
        IGrouping<int, ProblemKind> status, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var response = new OpenApiResponse
        {
            Description = string.Join("\n\n", status.Select(kind => $"{kind.Title}: `{kind.Type}`")),
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Problem.ContentType] = new() { Schema = await SchemaAsync(typeof(ProblemBody), context, cancellationToken) },
            },
        };
        if (status.Key is 429 or 503)
        {
            response.Headers = new Dictionary<string, IOpenApiHeader>
            {
                ["Retry-After"] = new OpenApiHeader
                {
                    Description = "Seconds to wait.",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.Integer },
                },
            };
        }

        return response;
    }

    // A component of the document, rather than a copy at each place.
    private static async Task<IOpenApiSchema> SchemaAsync(Type type, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        context.Document!.AddComponent(type.Name, await context.GetOrCreateSchemaAsync(type, null, cancellationToken));
        return new OpenApiSchemaReference(type.Name, context.Document);
    }

    private static Task DescribeSchemaAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonPropertyInfo is { } property)
        {
            if (!IsWrittenAsNull(property))
            {
                // Such a field is left out rather than null.
                schema.Type &= ~JsonSchemaType.Null;
            }

            foreach (var rule in property.AttributeProvider?.GetCustomAttributes(inherit: true) ?? [])
            {
                ApplyRule(schema, rule);
            }
        }

        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            DescribeObject(schema, context.JsonTypeInfo);
        }

        return Task.CompletedTask;
    }

    private static void DescribeObject(OpenApiSchema schema, JsonTypeInfo type)
    {
        var isRequest = false;
        foreach (var property in type.Properties)
        {
            if (property.AttributeProvider?.IsDefined(typeof(NeededAttribute), inherit: true) == true)
            {
                isRequest = true;
                (schema.Required ??= new HashSet<string>()).Add(property.Name);
            }
            else if (property.IsGetNullable && !IsWrittenAsNull(property))
            {
                schema.Required?.Remove(property.Name);
            }
        }

        // Requests with other fields are refused; answers may have more of them one day.
        schema.AdditionalPropertiesAllowed = !isRequest;
    }

    private static bool IsWrittenAsNull(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true)
            is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];

    private static void ApplyRule(OpenApiSchema schema, object? rule)
    {
        switch (rule)
        {
            case IdAttribute:
                schema.Pattern = IdAttribute.Pattern;
                break;
            case PlainTextAttribute text:
                schema.MinLength = 1;
                schema.MaxLength = text.Max;
                break;
            case OneOfAttribute oneOf:
                schema.Enum = [.. oneOf.Words.Select(word => JsonValue.Create(word))];
                break;
            case BetweenAttribute between:
                schema.Type = JsonSchemaType.Integer;
                schema.Minimum = between.Min.ToString(CultureInfo.InvariantCulture);
                schema.Maximum = between.Max.ToString(CultureInfo.InvariantCulture);
                break;
        }
    }
}
