namespace AdClick.Tests.Support;

/// <summary>A whole node whose database is TimescaleDB or PostgreSQL, on the embedded log.</summary>
internal sealed class TimescaleGateway(TestDatabase database) : RunningGateway
{
    /// <summary>Its database; another one counts from the next start on.</summary>
    public TestDatabase Database { get; set; } = database;

    protected override IEnumerable<string> Settings => SettingsOf(Database);

    internal static string[] SettingsOf(TestDatabase database) =>
        ["--AdClick:Database=postgres", $"--ConnectionStrings:AdClick={database.ConnectionString}", $"--AdClick:SigningKeys:k1={KafkaGateway.SigningKey}"];
}

/// <summary>A whole node as in production: Kafka and TimescaleDB.</summary>
internal sealed class KafkaTimescaleGateway(TestDatabase database) : KafkaGateway
{
    protected override IEnumerable<string> Settings => [.. base.Settings, .. TimescaleGateway.SettingsOf(database)];
}
