using Xunit;

namespace AdClick.Tests.Support;

/// <summary>
/// Tests that keep all processors busy for minutes run one after the other, when nothing else does: beside them, everyone's patience would be used up on
/// a small machine.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class HeavyTests
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "heavy";
}
