namespace AdClick.Benchmarks.Kafka;

/// <summary>Requests of the Kafka protocol that can be made to fail; the numbers are the protocol's API keys.</summary>
internal enum MockKafkaRequest : short
{
    /// <summary>Records to append.</summary>
    Produce = 0,

    /// <summary>Records to read.</summary>
    Fetch = 1,

    /// <summary>Watermarks, or the offset of a time.</summary>
    ListOffsets = 2,

    /// <summary>Brokers, topics, leaders.</summary>
    Metadata = 3,

    /// <summary>Offsets of a group, to keep.</summary>
    OffsetCommit = 8,

    /// <summary>Offsets of a group, to read.</summary>
    OffsetFetch = 9,

    /// <summary>Which broker keeps a group's offsets.</summary>
    FindCoordinator = 10,

    /// <summary>What the broker can do; the first request on every connection.</summary>
    ApiVersions = 18,

    /// <summary>The ID under which an idempotent producer numbers its records.</summary>
    InitProducerId = 22,
}
