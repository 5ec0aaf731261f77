using System.Globalization;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Queries;

/// <summary>How long one kind of question took, or a flush.</summary>
/// <param name="Question">The question.</param>
/// <param name="Readers">How many asked at once; 0 for flushes.</param>
/// <param name="IsFlushing">Whether counts were written meanwhile.</param>
/// <param name="Latency">Time to the answer.</param>
internal sealed record QueryTiming(string Question, int Readers, bool IsFlushing, Percentiles Latency)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Question,-26} {(Readers == 0 ? "" : $"{Readers} readers{(IsFlushing ? ", flushing" : "")}"),-20} {Latency}");
}

/// <summary>What the queries have shown.</summary>
/// <param name="Database">Kind of the database.</param>
/// <param name="Rows">Minute rows that the store was filled with.</param>
/// <param name="Ads">Number of ads.</param>
/// <param name="Sizes">Sizes of the tables.</param>
/// <param name="Timings">Times of all kinds of questions, and of flushes.</param>
internal sealed record QueryReport(string Database, long Rows, int Ads, IReadOnlyList<TableSize> Sizes, IReadOnlyList<QueryTiming> Timings)
{
    private const double BytesPerMebibyte = 1024 * 1024;

    /// <inheritdoc/>
    public override string ToString() => string.Join(
        '\n',
        [
            string.Create(CultureInfo.InvariantCulture, $"queries     {Rows:N0} minute rows of {Ads:N0} ads, {Database}"),
            .. Sizes.Select(size => string.Create(
                CultureInfo.InvariantCulture,
                $"{size.Table,-26} {size.Rows,13:N0} rows  {size.TableBytes / BytesPerMebibyte,10:N0} MiB  indexes {size.IndexBytes / BytesPerMebibyte,8:N0} MiB")),
            .. Timings.Select(timing => timing.ToString()),
        ]);
}
