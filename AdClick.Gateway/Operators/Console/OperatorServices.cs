namespace AdClick.Gateway.Operators.Console;

/// <summary>The console's services.</summary>
internal static class OperatorServices
{
    /// <summary>Adds the commands of a node. They need its actor system, boards, catalogue and store from the host.</summary>
    public static IServiceCollection AddOperatorCommands(this IServiceCollection services, LogTap tap, LogLevels levels)
    {
        services.AddSingleton(tap);
        services.AddSingleton(levels);
        services.AddSingleton<IOperatorPalette, ClusterPalette>();
        services.AddSingleton<IOperatorPalette, ShardingPalette>();
        services.AddSingleton<IOperatorPalette, ActorPalette>();
        services.AddSingleton<IOperatorPalette, LogPalette>();
        services.AddSingleton<PartitionOrders>();
        services.AddSingleton<IOperatorPalette, ClicksPalette>();
        services.AddSingleton<IOperatorPalette, AdPalette>();
        services.AddSingleton<IOperatorPalette, TopPalette>();
        services.AddSingleton<IOperatorPalette, PartitionPalette>();
        services.AddSingleton<IOperatorPalette, ReconciliationPalette>();
        services.AddSingleton<IOperatorPalette, ReceiptPalette>();
        services.AddSingleton<OperatorCommands>();
        return services;
    }
}
