using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace AdClick.Gateway.Api;

/// <summary>Collects what is wrong with the fields of one request, so that a caller learns of everything at once.</summary>
internal sealed class FieldErrors
{
    private readonly SortedDictionary<string, IReadOnlyList<string>> _errors = new(StringComparer.Ordinal);

    /// <summary>Whether anything is wrong.</summary>
    public bool Any => _errors.Count > 0;

    /// <summary>Notes a fault.</summary>
    /// <param name="field">Name as the caller wrote it.</param>
    /// <param name="fault">Goes on where the name ends: "must be …".</param>
    public void Add(string field, string fault)
    {
        var known = _errors.GetValueOrDefault(field);
        _errors[field] = known is null ? [fault] : [.. known, fault];
    }

    /// <summary>Checks a value by the rules on its property or parameter, and the value's own.</summary>
    public void Check(string field, object? value, params ReadOnlySpan<ValidationAttribute> rules)
    {
        foreach (var rule in rules)
        {
            if (!rule.IsValid(value))
            {
                Add(field, rule.FormatErrorMessage(field));
                return;
            }
        }
    }

    /// <summary>Checks a body by the attributes of its properties.</summary>
    public void CheckBody(object body)
    {
        var results = new List<ValidationResult>();
        if (!Validator.TryValidateObject(body, new ValidationContext(body), results, validateAllProperties: true))
        {
            foreach (var result in results)
            {
                foreach (var member in result.MemberNames)
                {
                    Add(JsonNamingPolicy.CamelCase.ConvertName(member), result.ErrorMessage!);
                }
            }
        }
    }

    /// <summary>The answer that names them all.</summary>
    public Problem ToProblem()
    {
        var faults = _errors.SelectMany(field => field.Value.Select(fault => $"{field.Key} {fault}."));
        return new Problem(ProblemKind.InvalidRequest, string.Join(' ', faults)) { Errors = _errors };
    }

    /// <summary>An answer that names one field.</summary>
    public static Problem One(string field, string fault)
    {
        var errors = new FieldErrors();
        errors.Add(field, fault);
        return errors.ToProblem();
    }
}
