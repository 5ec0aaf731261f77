using System.Globalization;
using System.Reflection;

namespace AdClick.Actors.Metrics;

/// <summary>A script in the assembly that takes a database to a version of the schema, named <c>NNNN_what.sql</c>.</summary>
/// <param name="Version">The version that it leads to.</param>
/// <param name="Name">File name.</param>
/// <param name="Resource">Name in the assembly.</param>
internal sealed record MigrationScript(int Version, string Name, string Resource)
{
    /// <summary>All scripts of a folder (<c>Metrics.Sqlite.Migrations</c>), by version.</summary>
    public static IReadOnlyList<MigrationScript> InFolder(string folder)
    {
        var prefix = $"{typeof(MigrationScript).Assembly.GetName().Name}.{folder}.";
        return
        [
            .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
                .Where(resource => resource.StartsWith(prefix, StringComparison.Ordinal))
                .Select(resource => Of(resource[prefix.Length..], resource))
                .OrderBy(script => script.Version),
        ];
    }

    /// <summary>Its SQL.</summary>
    public string Read()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!);
        return reader.ReadToEnd();
    }

    private static MigrationScript Of(string name, string resource) =>
        new(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, resource);
}
