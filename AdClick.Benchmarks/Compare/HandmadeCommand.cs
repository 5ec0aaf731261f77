using System.CommandLine;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace AdClick.Benchmarks.Compare;

/// <summary>
/// <c>handmade</c>: what is usually built in place of AdClick. A web server checks the token, inserts the click into PostgreSQL under the impression's key, and redirects;
/// clicks are counted by a query. Done as well as it can be: one prepared statement, one round trip, pooled connections, and the redirect waits for the commit.
/// </summary>
internal static class HandmadeCommand
{
    /// <summary>Name of the command.</summary>
    public const string Name = "handmade";

    /// <summary>Its table. The second index is what its queries by ad and time need.</summary>
    public const string Schema =
        """
        CREATE TABLE clicks (impression_id uuid PRIMARY KEY, ad_id text NOT NULL, clicked_at timestamptz NOT NULL, placement text, user_agent text);
        CREATE INDEX clicks_by_ad ON clicks (ad_id, clicked_at);
        """;

    private const string Insert =
        "INSERT INTO clicks (impression_id, ad_id, clicked_at, placement, user_agent) VALUES ($1, $2, now(), $3, $4) ON CONFLICT DO NOTHING";

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var urls = new Option<string>("--urls") { Description = "Address to listen on.", DefaultValueFactory = _ => "http://127.0.0.1:8082" };
        var database = new Option<string>("--database") { Description = "Npgsql connection string of a database that has its table.", Required = true };
        var signingKey = new Option<string>("--signing-key") { Description = "Key that tokens are signed with, ID:BASE64.", Required = true };
        var command = new Command(Name, "Serve clicks the usual way, one INSERT each; for load compare.") { urls, database, signingKey };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(urls)!, parsed.GetValue(database)!, BenchmarkKeys.Parse("", parsed.GetValue(signingKey)!).Ring(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string urls, string database, SigningKeyRing keys, CancellationToken cancellationToken)
    {
        var bots = DeclaredBots.Load();
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 32, MaxAutoPrepare = 4, AutoPrepareMinUsages = 1 });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(urls);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        await using var app = builder.Build();
        app.MapGet("/c/{token}", async (string token, HttpContext context) =>
        {
            var response = context.Response;
            if (!keys.TryVerify(token, out var impression, out _))
            {
                response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            string? userAgent = context.Request.Headers.UserAgent;
            if (!bots.IsBot(userAgent))
            {
                var bytes = new byte[ImpressionId.ByteLength];
                impression.Impression.Write(bytes);
                await using var insert = source.CreateCommand(Insert);
                insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = new Guid(bytes, bigEndian: true) });
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = impression.AdId });
                insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = impression.Placement });
                insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = userAgent });
                await insert.ExecuteNonQueryAsync(context.RequestAborted);
            }

            response.StatusCode = StatusCodes.Status302Found;
            response.Headers.Location = "https://shop.example/offer?campaign=load&click=" + impression.Impression;
            response.Headers.CacheControl = "no-store";
            response.Headers["X-Robots-Tag"] = "noindex, nofollow";
            response.Headers["Referrer-Policy"] = "strict-origin-when-cross-origin";
            response.ContentLength = 0;
        });
        app.MapGet("/healthz/ready", () => Results.Ok());
        await app.StartAsync(cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }
}
