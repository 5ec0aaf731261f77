using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Api;

/// <summary>Names of the scopes; each is a role and an authorization policy as well. Whoever is admin fulfils them all.</summary>
internal static class ApiScopes
{
    /// <summary>Everything.</summary>
    public const string Admin = "admin";

    /// <summary>Issue impressions.</summary>
    public const string Publisher = "publisher";

    /// <summary>Read the clicks of one advertiser.</summary>
    public const string Advertiser = "advertiser";

    /// <summary>No scope but a policy: any key will do.</summary>
    public const string Any = "any";

    /// <summary>The scope's name.</summary>
    public static string Name(KeyScope scope) => scope switch
    {
        KeyScope.Admin => Admin,
        KeyScope.Publisher => Publisher,
        KeyScope.Advertiser => Advertiser,
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "No such scope."),
    };

    /// <summary>The scope of a name that was checked before.</summary>
    public static KeyScope Parse(string name) => name switch
    {
        Admin => KeyScope.Admin,
        Publisher => KeyScope.Publisher,
        Advertiser => KeyScope.Advertiser,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such scope."),
    };
}
