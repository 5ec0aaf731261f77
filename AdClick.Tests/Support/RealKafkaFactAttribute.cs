using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test of what only a real Kafka broker does; skipped, saying so, where none is named.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealKafkaFactAttribute : FactAttribute
{
    /// <param name="lacking">What the mock cluster lacks for it, as a sentence: "The mock cluster creates no topics."</param>
    public RealKafkaFactAttribute(string lacking)
    {
        Lacking = lacking;
        Skip = KafkaCluster.RealBroker is null ? $"{lacking} Set {KafkaCluster.Variable}=host:port to run it against a broker." : null;
    }

    /// <summary>What the mock cluster lacks for it.</summary>
    public string Lacking { get; }
}
