using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AdClick.Benchmarks.Ceiling;

/// <summary><c>bare</c>: Kestrel with nothing behind it but a redirect; what the gateway's highest rate is held against.</summary>
internal static class BareCommand
{
    /// <summary>Name of the command.</summary>
    public const string Name = "bare";

    /// <summary>Where it sends everybody.</summary>
    public const string Location = "https://shop.example/offer?campaign=load&click=0";

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var urls = new Option<string>("--urls") { Description = "Address to listen on.", DefaultValueFactory = _ => "http://127.0.0.1:8081" };
        var command = new Command(Name, "Serve bare 302 answers with the headers of a click's, for ceiling or any other load program.") { urls };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(urls)!, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string urls, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(urls);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        await using var app = builder.Build();
        app.Run(context =>
        {
            var response = context.Response;
            response.StatusCode = StatusCodes.Status302Found;
            response.Headers.Location = Location;
            response.Headers.CacheControl = "no-store";
            response.Headers["X-Robots-Tag"] = "noindex, nofollow";
            response.Headers["Referrer-Policy"] = "strict-origin-when-cross-origin";
            response.ContentLength = 0;
            return Task.CompletedTask;
        });
        await app.StartAsync(cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }
}
