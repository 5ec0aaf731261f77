using System.ComponentModel.DataAnnotations;
using System.Text;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Api;

/// <summary>The field must be there. Message and OpenAPI come from the same attribute.</summary>
internal sealed class NeededAttribute : ValidationAttribute
{
    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is not null;

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => "is required";
}

/// <summary>An ID (<see cref="Ids"/>).</summary>
internal sealed class IdAttribute : ValidationAttribute
{
    /// <summary><see cref="Ids.IsValid"/> as a regular expression.</summary>
    public const string Pattern = "^[A-Za-z0-9_-]{1,64}$";

    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is null || (value is string text && Ids.IsValid(text));

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => $"must be {Ids.Rule}";
}

/// <summary>Text for people: 1 to a number of characters, none of them a control character.</summary>
/// <param name="max">Most characters, as Unicode counts them.</param>
internal sealed class PlainTextAttribute(int max) : ValidationAttribute
{
    /// <summary>Most characters.</summary>
    public int Max => max;

    /// <inheritdoc/>
    public override bool IsValid(object? value)
    {
        if (value is not string text)
        {
            return value is null;
        }

        var characters = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                return false;
            }

            characters++;
        }

        return characters > 0 && characters <= max;
    }

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => $"must be 1 to {max} characters, without control characters";
}

/// <summary>One of some words, in just this spelling.</summary>
/// <param name="words">The words.</param>
internal sealed class OneOfAttribute(params string[] words) : ValidationAttribute
{
    /// <summary>The words.</summary>
    public IReadOnlyList<string> Words => words;

    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is null || (value is string text && words.Contains(text, StringComparer.Ordinal));

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => $"must be one of {string.Join(", ", words)}";
}

/// <summary>A whole number between two.</summary>
/// <param name="min">Least.</param>
/// <param name="max">Greatest.</param>
internal sealed class BetweenAttribute(int min, int max) : ValidationAttribute
{
    /// <summary>Least.</summary>
    public int Min => min;

    /// <summary>Greatest.</summary>
    public int Max => max;

    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is null || (value is int number && number >= min && number <= max);

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => $"must be a whole number from {min} to {max}";
}
