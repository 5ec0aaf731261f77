using System.Net;
using System.Text.Json;
using AdClick.Tests.ClickLog;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

public sealed class FullDiskTests
{
    [TmpfsFact]
    public async Task With_a_full_disk_people_are_redirected_the_node_says_so_and_goes_on_by_itself()
    {
        var gateway = new RunningGateway();
        Directory.CreateDirectory(gateway.Folder);
        Assert.Null(TmpfsFactAttribute.Run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", gateway.Folder));
        try
        {
            await gateway.StartAsync();
            await gateway.PutAdAsync("a1");
            for (var i = 0; i < 10; i++)
            {
                await AssertRedirectedAsync(gateway, "a1");
            }

            Fill(Path.Combine(gateway.Folder, "filler"));

            // Writing on takes up what room is left in the files; from some moment on a click can't be logged.
            var unlogged = 0;
            await gateway.UntilAsync(
                async () =>
                {
                    await AssertRedirectedAsync(gateway, "a1");
                    unlogged = await UnloggedAsync(gateway);
                    return unlogged > 0;
                },
                "a click that could not be logged");
            using (var ready = await gateway.Browsing.GetAsync(new Uri("/healthz/ready", UriKind.Relative)))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            }

            File.Delete(Path.Combine(gateway.Folder, "filler"));
            await gateway.UntilAsync(
                async () => (await gateway.Browsing.GetAsync(new Uri("/healthz/ready", UriKind.Relative))).IsSuccessStatusCode, "the node to be ready again");
            await gateway.PutAdAsync("a2");
            await AssertRedirectedAsync(gateway, "a2");
            await gateway.WaitForTotalsAsync("a2", total => Clicks(total) == 1, "a click after the disk had room again");
            await gateway.WaitForTotalsAsync("a1", total => Clicks(total) >= 10, "the clicks before the disk was full");

            await gateway.StopAsync();
            await gateway.StartAsync();
            await gateway.WaitForTotalsAsync("a2", total => Clicks(total) == 1, "the same count after a restart");
            await gateway.StopAsync();
        }
        finally
        {
            Assert.Null(TmpfsFactAttribute.Run("umount", "-l", gateway.Folder));
            Directory.Delete(gateway.Folder);
        }
    }

    private static async Task AssertRedirectedAsync(RunningGateway gateway, string adId)
    {
        using var answer = await gateway.ClickAsync(await gateway.IssueAsync(adId));
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
    }

    private static async Task<int> UnloggedAsync(RunningGateway gateway)
    {
        var metrics = await gateway.Admin.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        var line = metrics.Split('\n').First(line => line.StartsWith("adclick_redirects_unlogged_total{", StringComparison.Ordinal));
        Assert.Contains("lost=\"possible\"", line, StringComparison.Ordinal);
        return int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Fill(string file)
    {
        using var filler = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (var size = 1024 * 1024; size >= 512; size /= 2)
        {
            try
            {
                while (true)
                {
                    filler.Write(new byte[size]);
                }
            }
            catch (IOException)
            {
                // No room for so much any more; perhaps for half.
            }
        }
    }

    private static long Clicks(JsonElement total) => total.GetProperty("clicks").GetInt64();
}
