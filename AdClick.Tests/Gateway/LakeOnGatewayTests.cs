using System.Net;
using AdClick.Tests.Lake;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

public sealed class LakeOnGatewayTests
{
    [Fact]
    public async Task A_lake_that_is_away_costs_no_click_is_told_and_gets_everything_when_it_is_back()
    {
        var gateway = new ArchivingGateway();
        Directory.CreateDirectory(gateway.Folder);
        var obstacle = Path.Combine(gateway.Folder, "blocked");
        await File.WriteAllTextAsync(obstacle, "a file where the lake's folder should be");
        await gateway.StartAsync();
        try
        {
            await gateway.PutAdAsync("a1");
            using (var answer = await gateway.ClickAsync(await gateway.IssueAsync("a1", "top")))
            {
                Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
            }

            await gateway.WaitForTotalsAsync("a1", total => total.GetProperty("clicks").GetInt64() == 1, "the click to be counted");
            await gateway.UntilAsync(
                async () => await gateway.HealthAsync() is (HttpStatusCode.OK, var body) && body.Contains("can't be archived", StringComparison.Ordinal),
                "a notice, from a node that is ready");
            Assert.Contains("adclick_archive_waiting", await gateway.Admin.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);

            File.Delete(obstacle);
            var lake = Path.Combine(obstacle, "lake");
            await gateway.UntilAsync(() => Task.FromResult(Directory.Exists(Path.Combine(lake, "clicks")) && LakeReader.Clicks(lake).Count == 1), "the click in the lake");
            Assert.Equal("a1", LakeReader.Clicks(lake)[0].AdId);
            await gateway.UntilAsync(
                async () => await gateway.HealthAsync() is (HttpStatusCode.OK, var body) && !body.Contains("archived", StringComparison.Ordinal), "the notice to go");
        }
        finally
        {
            await gateway.DisposeAsync();
        }
    }

    private sealed class ArchivingGateway : RunningGateway
    {
        protected override IEnumerable<string> Settings => ["--AdClick:Lake:Folder=blocked/lake", "--AdClick:Lake:MaxAge=00:00:01"];
    }
}
