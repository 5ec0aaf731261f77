namespace AdClick.Gateway.Api;

/// <summary>A kind of error that a program can switch on by its type (RFC 9457).</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Name">Last part of the type.</param>
/// <param name="Title">The kind in a few words, the same each time.</param>
internal sealed record ProblemKind(int Status, string Name, string Title)
{
    /// <summary>Body, path or query breaks a rule; the answer's <c>errors</c> names each field.</summary>
    public static readonly ProblemKind InvalidRequest = new(400, "invalid-request", "The request has bad values");

    /// <summary>The body is missing or no JSON object.</summary>
    public static readonly ProblemKind MalformedBody = new(400, "malformed-body", "The body is not a JSON object");

    /// <summary>No such operator command, or what follows does not fit it.</summary>
    public static readonly ProblemKind UnknownCommand = new(400, "unknown-command", "There is no such command");

    /// <summary>No key, or one that is not known.</summary>
    public static readonly ProblemKind Unauthenticated = new(401, "unauthenticated", "A known API key is needed");

    /// <summary>The answer would take more reading than one may.</summary>
    public static readonly ProblemKind TooBroad = new(400, "too-broad", "The question is too broad");

    /// <summary>The key is known but may not do this.</summary>
    public static readonly ProblemKind Forbidden = new(403, "forbidden", "The API key may not do this");

    /// <summary>No such path.</summary>
    public static readonly ProblemKind NotFound = new(404, "not-found", "There is nothing at this path");

    /// <summary>No such ad.</summary>
    public static readonly ProblemKind UnknownAd = new(404, "unknown-ad", "There is no such ad");

    /// <summary>No ad of such an advertiser.</summary>
    public static readonly ProblemKind UnknownAdvertiser = new(404, "unknown-advertiser", "There is no such advertiser");

    /// <summary>No such click.</summary>
    public static readonly ProblemKind UnknownClick = new(404, "unknown-click", "There is no such click");

    /// <summary>No such key.</summary>
    public static readonly ProblemKind UnknownKey = new(404, "unknown-key", "There is no such API key");

    /// <summary>The path exists, the method does not.</summary>
    public static readonly ProblemKind MethodNotAllowed = new(405, "method-not-allowed", "The method is not allowed at this path");

    /// <summary>An ad's advertiser never changes.</summary>
    public static readonly ProblemKind OtherAdvertiser = new(409, "other-advertiser", "The ad belongs to another advertiser");

    /// <summary>A paused or archived ad gets no impressions.</summary>
    public static readonly ProblemKind InactiveAd = new(409, "inactive-ad", "The ad is not active");

    /// <summary>Names of keys are unique.</summary>
    public static readonly ProblemKind KeyNameInUse = new(409, "key-name-in-use", "The name of the API key is in use");

    /// <summary>An operator command that does harm has to be confirmed.</summary>
    public static readonly ProblemKind NotConfirmed = new(409, "not-confirmed", "The command has to be confirmed");

    /// <summary>Raw clicks are not archived.</summary>
    public static readonly ProblemKind NotArchived = new(409, "not-archived", "Raw clicks are not archived here");

    /// <summary>What was asked for was there, and was let go of.</summary>
    public static readonly ProblemKind NoLongerKept = new(410, "no-longer-kept", "It is no longer kept");

    /// <summary>The body is over <see cref="JsonBody.MaxBytes"/>.</summary>
    public static readonly ProblemKind BodyTooLarge = new(413, "body-too-large", "The body is too large");

    /// <summary>The body is declared as something else than what the path takes.</summary>
    public static readonly ProblemKind UnsupportedMediaType = new(415, "unsupported-media-type", "The body has another media type");

    /// <summary>Too many calls.</summary>
    public static readonly ProblemKind RateLimited = new(429, "rate-limited", "Too many requests");

    /// <summary>Too many streams.</summary>
    public static readonly ProblemKind TooManyStreams = new(429, "too-many-streams", "Too many streams are open");

    /// <summary>Our own fault.</summary>
    public static readonly ProblemKind InternalError = new(500, "internal-error", "Something went wrong in AdClick");

    /// <summary>The database can't answer now.</summary>
    public static readonly ProblemKind StoreUnavailable = new(503, "store-unavailable", "The database can't answer now");

    /// <summary>Data lake or click log can't be read now.</summary>
    public static readonly ProblemKind LakeUnavailable = new(503, "lake-unavailable", "The raw clicks can't be read now");

    /// <summary>The answer took too long.</summary>
    public static readonly ProblemKind TimedOut = new(503, "timed-out", "The answer took too long");

    /// <summary>The problem's type.</summary>
    public string Type { get; } = $"urn:adclick:problem:{Name}";

    /// <summary>The kind that stands for a bare status; null where none does.</summary>
    public static ProblemKind? OfStatus(int status) => status switch
    {
        400 => MalformedBody,
        401 => Unauthenticated,
        403 => Forbidden,
        404 => NotFound,
        405 => MethodNotAllowed,
        413 => BodyTooLarge,
        415 => UnsupportedMediaType,
        429 => RateLimited,
        500 => InternalError,
        503 => StoreUnavailable,
        _ => null,
    };
}
