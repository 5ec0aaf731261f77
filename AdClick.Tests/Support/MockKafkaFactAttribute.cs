using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test that hurts the cluster as only the mock lets itself be hurt; skipped where the tests run against a real broker.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MockKafkaFactAttribute : FactAttribute
{
    public MockKafkaFactAttribute() =>
        Skip = KafkaCluster.RealBroker is null
            ? null
            : $"Needs faults that only the mock cluster can be told to have, and {KafkaCluster.Variable} names a real broker.";
}
