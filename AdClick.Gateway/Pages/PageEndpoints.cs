using AdClick.Gateway.Api;
using Microsoft.Net.Http.Headers;

namespace AdClick.Gateway.Pages;

/// <summary>The pages for people: <c>/</c> for advertisers, <c>/operator</c> for operators. Open to all; what they show is asked for with the reader's key.</summary>
internal static class PageEndpoints
{
    /// <summary>
    /// Nothing but our own scripts, styles and calls: no inline code, no other host, no frames, no forms that leave the page (I6: whoever could run code here could read the key).
    /// </summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string KeepForGood = "public, max-age=31536000, immutable";
    private const string AskEachTime = "no-cache";

    /// <summary>Maps the pages and their assets.</summary>
    public static void MapAdClickPages(this IEndpointRouteBuilder routes)
    {
        var assets = new PageAssets();
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods("/", methods, http => SendPageAsync(http, assets, "index.html")).ExcludeFromDescription();
        routes.MapMethods("/operator", methods, http => SendPageAsync(http, assets, "operator.html")).ExcludeFromDescription();
        routes.MapMethods("/favicon.ico", methods, http => SendPageAsync(http, assets, "assets/icon.svg")).ExcludeFromDescription();
        routes.MapMethods("/assets/{version}/{**name}", methods, http => SendAssetAsync(http, assets)).ExcludeFromDescription();
    }

    private static Task SendPageAsync(HttpContext http, PageAssets assets, string name) =>
        assets.TryGet(name, out var page) ? SendAsync(http, page, AskEachTime) : throw new InvalidOperationException($"The page {name} is not in the assembly.");

    private static Task SendAssetAsync(HttpContext http, PageAssets assets)
    {
        var name = http.Request.RouteValues["name"] as string ?? "";
        if (!assets.TryGet($"assets/{name}", out var asset))
        {
            return new Problem(ProblemKind.NotFound, $"There is nothing at {http.Request.Path}.").ExecuteAsync(http);
        }

        // Another version is asked for by a page of another node, in the middle of an upgrade: it gets what there is, for this once.
        return SendAsync(http, asset, http.Request.RouteValues["version"] as string == assets.Version ? KeepForGood : AskEachTime);
    }

    private static async Task SendAsync(HttpContext http, PageAsset asset, string caching)
    {
        var (bytes, encoding) = asset.For(Takes(http.Request, "br"), Takes(http.Request, "gzip"));
        var etag = encoding is null ? asset.ETag : $"{asset.ETag[..^1]}-{encoding}\"";
        var headers = http.Response.Headers;
        headers.ETag = etag;
        headers.CacheControl = caching;
        headers.Vary = HeaderNames.AcceptEncoding;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (http.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Tag == etag || known.Tag == "*"))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        http.Response.ContentType = asset.ContentType;
        headers.ContentEncoding = encoding;
        http.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
        }
    }

    private static bool Takes(HttpRequest request, string encoding) =>
        request.GetTypedHeaders().AcceptEncoding.Any(accepted => accepted.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase) && accepted.Quality is not 0);
}
