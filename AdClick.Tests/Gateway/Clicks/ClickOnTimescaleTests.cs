using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Clicks;

/// <summary>The way of a click with TimescaleDB behind it: what <see cref="ClickEndpointSuite"/> says of it.</summary>
public sealed class ClickOnTimescaleTests
{
    [TimescaleFact]
    public async Task On_the_embedded_log()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Timescale!);
        await RunAsync(new TimescaleGateway(database));
    }

    [TimescaleFact]
    public async Task On_Kafka()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Timescale!);
        await RunAsync(new KafkaTimescaleGateway(database));
    }

    private static async Task RunAsync(RunningGateway gateway)
    {
        await gateway.InitializeAsync();
        try
        {
            await Suite().A_click_is_redirected_and_counted_once_and_its_copy_as_a_duplicate();
            await Suite().The_click_id_in_the_target_names_impression_and_ad_and_is_no_token();
            await Suite().A_declared_bot_is_redirected_and_counted_as_invalid("curl/8.5.0", "bot");
            await Suite().A_bot_does_not_use_the_impression_up();
            await Suite().Clicks_of_a_paused_ad_and_of_an_expired_impression_are_redirected_and_counted_as_invalid();
            await Suite().Malformed_and_forged_tokens_unknown_ads_and_issue_times_ahead_are_not_found();

            // And again after a restart.
            await gateway.StopAsync();
            await gateway.StartAsync();
            await Suite().A_click_is_redirected_and_counted_once_and_its_copy_as_a_duplicate();
        }
        finally
        {
            await gateway.DisposeAsync();
        }

        ClickEndpointSuite Suite() => new ClickEndpointTests(gateway);
    }
}
