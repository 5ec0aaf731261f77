namespace AdClick.Gateway.Operators.Console;

/// <summary>Log levels that an operator has set on the running node. They go over those of the configuration, and are gone with the process.</summary>
internal sealed class LogLevels : ConfigurationProvider, IConfigurationSource
{
    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>Sets from which level on categories are logged.</summary>
    /// <param name="category">Beginning of their names.</param>
    /// <param name="level">Least level.</param>
    public void Change(string category, LogLevel level)
    {
        Set($"Logging:LogLevel:{category}", level.ToString());
        OnReload();
    }
}
