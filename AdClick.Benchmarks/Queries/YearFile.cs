using System.Text.Json;

namespace AdClick.Benchmarks.Queries;

/// <summary>Note in a data folder that is filled, for the next run.</summary>
/// <param name="Database">Kind of the database.</param>
/// <param name="Rows">Minute rows that were written.</param>
/// <param name="Ads">Number of ads.</param>
/// <param name="Seed">Seed.</param>
/// <param name="IsSettled">Whether it was rolled up and settled as well; if not, that goes on.</param>
internal sealed record YearFile(string Database, long Rows, int Ads, ulong Seed, bool IsSettled = false)
{
    private const string Name = "year.json";

    /// <summary>The note, or null in a folder that is not filled.</summary>
    public static YearFile? Find(string folder) =>
        Path.Combine(folder, Name) is var file && File.Exists(file) ? JsonSerializer.Deserialize<YearFile>(File.ReadAllText(file)) : null;

    /// <summary>Leaves it.</summary>
    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, Name), JsonSerializer.Serialize(this));
}
