using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Hosting;

/// <summary>Turns what the stores and the log find when they are opened into a refused start.</summary>
internal static class StartupDamage
{
    /// <summary>Runs one step of the start.</summary>
    /// <exception cref="StartupException">What it opens is damaged, does not fit, or can't be reached.</exception>
    public static T Refuse<T>(Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception e) when (IsRefusal(e))
        {
            throw new StartupException(e.Message, e);
        }
    }

    /// <inheritdoc cref="Refuse{T}"/>
    public static async Task<T> RefuseAsync<T>(Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (IsRefusal(e) || e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(e.Message, e);
        }
    }

    /// <inheritdoc cref="Refuse{T}"/>
    public static void Refuse(Action step) => Refuse(() =>
    {
        step();
        return true;
    });

    private static bool IsRefusal(Exception e) => e is ClickLogDamagedException or ClickLogUnavailableException or ClickLogMismatchException
        or KafkaTopicRefusedException or LogMismatchException or MetricsStoreDamagedException or MetricsStoreUnavailableException;
}
