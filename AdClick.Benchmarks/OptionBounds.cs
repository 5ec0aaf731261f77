using System.CommandLine;

namespace AdClick.Benchmarks;

/// <summary>Numbers on the command line that must lie within bounds.</summary>
internal static class OptionBounds
{
    /// <summary>Refuses values outside of <c>[min, max]</c>.</summary>
    public static Option<T> Within<T>(this Option<T> option, T min, T max)
        where T : IComparable<T>
    {
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<T>() is { } value && (value.CompareTo(min) < 0 || value.CompareTo(max) > 0))
            {
                result.AddError(FormattableString.Invariant($"{option.Name} must be {min} to {max}, not {value}."));
            }
        });
        return option;
    }
}
