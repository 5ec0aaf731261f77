namespace AdClick.Tests.Support;

/// <summary>Waits for Kafka: generous, since librdkafka backs off for seconds after a fault, and saying what was waited for.</summary>
internal static class KafkaWaits
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<T> WithPatience<T>(this Task<T> task, string what)
    {
        await WithPatience((Task)task, what);
        return await task;
    }

    public static async Task WithPatience(this Task task, string what)
    {
        try
        {
            await task.WaitAsync(Patience);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited {Patience} for {what}.");
        }
    }
}
