using System.Collections.Concurrent;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AdClick.Tests.Benchmarks;

/// <summary>As much of the contract as the load uses, in memory, counting by a rule of three lines; with faults on demand.</summary>
public sealed class CountingServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SigningKeyRing _keys;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, string> _advertisers = new();
    private readonly Dictionary<string, (long Accepted, long Duplicates, long Bots)> _counts = [];
    private readonly HashSet<ImpressionId> _accepted = [];
    private long _clicks;

    private CountingServer()
    {
        _keys = Keys.Ring();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/c/{token}", ClickAsync);
        _app.MapPut("/v1/ads/{ad}", (string ad, Body body) =>
        {
            _advertisers[ad] = body.AdvertiserId;
            return Results.Created();
        });
        _app.MapGet("/v1/ads/{ad}/clicks", (string ad) => new { completeThrough = DateTimeOffset.UtcNow, total = Total(ad) });
        _app.MapGet("/v1/advertisers/{advertiser}/clicks", (string advertiser) => new
        {
            completeThrough = DateTimeOffset.UtcNow,
            groups = _advertisers.Where(ad => ad.Value == advertiser).Select(ad => new { adId = ad.Key, total = Total(ad.Key) }).ToArray(),
        });
    }

    internal BenchmarkKeys Keys { get; } = BenchmarkKeys.Make();

    public string Url { get; private set; } = "";

    /// <summary>Called with the number of each click; says what goes wrong with it.</summary>
    public Func<long, Mishap> Mishaps { get; set; } = _ => Mishap.None;

    public long Clicks => Volatile.Read(ref _clicks);

    public static async Task<CountingServer> StartAsync()
    {
        var server = new CountingServer();
        await server._app.StartAsync();
        server.Url = server._app.Urls.Single();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ClickAsync(HttpContext context, string token)
    {
        var mishap = Mishaps(Interlocked.Increment(ref _clicks));
        if (mishap == Mishap.DiesBeforeLogging)
        {
            context.Abort();
            return;
        }

        if (mishap == Mishap.Refuses)
        {
            await Results.Problem(statusCode: 503).ExecuteAsync(context);
            return;
        }

        if (!_keys.TryVerify(token, out var impression, out _))
        {
            context.Response.StatusCode = 404;
            return;
        }

        if (mishap != Mishap.ForgetsClick)
        {
            Count(impression, isBot: context.Request.Headers.UserAgent.ToString() == ClickRequests.BotAgent, mishap == Mishap.CountsTwice);
        }

        if (mishap == Mishap.DiesAfterLogging)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = 302;
        context.Response.Headers.Location = "https://shop.example/";
        context.Response.ContentLength = 0;
        if (mishap == Mishap.ClosesConnection)
        {
            context.Response.Headers.Connection = "close";
        }
    }

    private void Count(ImpressionToken token, bool isBot, bool twice)
    {
        lock (_gate)
        {
            var (accepted, duplicates, bots) = _counts.GetValueOrDefault(token.AdId);
            bots += isBot ? 1 : 0;
            if (!isBot && (_accepted.Add(token.Impression) || twice))
            {
                accepted++;
            }
            else if (!isBot)
            {
                duplicates++;
            }

            _counts[token.AdId] = (accepted, duplicates, bots);
        }
    }

    private object Total(string ad)
    {
        lock (_gate)
        {
            var (accepted, duplicates, bots) = _counts.GetValueOrDefault(ad);
            return new { clicks = accepted, duplicates, late = 0, invalid = bots, invalidByReason = new { bot = bots } };
        }
    }

    private sealed record Body(string AdvertiserId);
}

/// <summary>What goes wrong with a click.</summary>
public enum Mishap
{
    None,
    DiesBeforeLogging,
    DiesAfterLogging,
    Refuses,
    ForgetsClick,
    CountsTwice,
    ClosesConnection,
}
