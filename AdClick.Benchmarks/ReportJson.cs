using System.Text.Json;

namespace AdClick.Benchmarks;

/// <summary>How reports look as JSON.</summary>
internal static class ReportJson
{
    /// <summary>Indented, camelCase.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Prints a report in one of its two forms.</summary>
    public static void Print<T>(T report, bool asJson) => Console.WriteLine(asJson ? JsonSerializer.Serialize(report, Options) : report!.ToString());
}
