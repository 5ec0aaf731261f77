using System.Globalization;
using System.Net.Http.Headers;

namespace AdClick.Benchmarks.Pages;

/// <summary>What it costs the gateway that many look on at the same clicks: its processor time without viewers, with one and with many.</summary>
/// <param name="demo">The demo.</param>
/// <param name="many">How many.</param>
/// <param name="output">Takes the report.</param>
internal sealed class ViewerCosts(DemoProcess demo, int many, TextWriter output)
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(20);

    /// <summary>Measures.</summary>
    public async Task RunAsync()
    {
        foreach (var viewers in (int[])[0, 1, many])
        {
            using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }) { BaseAddress = new Uri(demo.Url), Timeout = Timeout.InfiniteTimeSpan };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", demo.AdvertiserKey);
            using var ending = new CancellationTokenSource();
            var events = new long[1];
            var watching = Enumerable.Range(0, viewers).Select(_ => WatchAsync(http, events, ending.Token)).ToList();
            await Task.Delay(TimeSpan.FromSeconds(5)); // everybody is there
            var (before, eventsBefore) = (demo.ProcessorTime, Interlocked.Read(ref events[0]));
            await Task.Delay(Span);
            var used = (demo.ProcessorTime - before) / Span;
            var perViewer = viewers == 0 ? 0 : (Interlocked.Read(ref events[0]) - eventsBefore) / Span.TotalSeconds / viewers;
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{viewers} viewers: the gateway uses {used:P1} of a processor; {perViewer:0.0} events a second for each"));
            await ending.CancelAsync();
            await Task.WhenAll(watching);
        }
    }

    private static async Task WatchAsync(HttpClient http, long[] events, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(
                $"/v1/advertisers/{DemoProcess.Advertiser}/clicks/live?buckets=150", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            response.EnsureSuccessStatusCode();
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.StartsWith("data:", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref events[0]);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Seen enough.
        }
    }
}
