using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using AdClick.Gateway.Pages;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Pages;

/// <summary>How the pages are served; what they do is in <see cref="AdvertiserPageTests"/>.</summary>
public sealed partial class PageTests : IAsyncLifetime
{
    /// <summary>What a first visit may take, in bytes on the wire.</summary>
    private const int MaxFirstLoad = 150 * 1024;

    private ApiHost _host = null!;

    public async Task InitializeAsync() => _host = await ApiHost.StartAsync(map: app => app.MapAdClickPages());

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("/")]
    [InlineData("/operator")]
    public async Task A_page_is_open_to_all_and_strict_about_what_it_runs(string path)
    {
        using var response = await _host.Anonymous.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("no-cache", response.Headers.CacheControl?.ToString());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        var page = await response.Content.ReadAsStringAsync();
        Assert.DoesNotMatch("<script>|<style>| style=| on[a-z]+=|https?://", page);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/operator")]
    public async Task What_a_page_refers_to_is_there_is_kept_for_good_and_is_light(string path)
    {
        var bytes = 0L;
        var names = new List<string>();
        using var page = await GetAsync(path, "br");
        bytes += page.Content.Headers.ContentLength!.Value;
        var text = await new StreamReader(new BrotliStream(await page.Content.ReadAsStreamAsync(), CompressionMode.Decompress)).ReadToEndAsync();
        foreach (var name in References().Matches(text).Select(match => match.Groups[1].Value).Distinct())
        {
            using var asset = await GetAsync(name, "br");
            Assert.Equal(HttpStatusCode.OK, asset.StatusCode);
            Assert.Equal("public, max-age=31536000, immutable", string.Join(", ", asset.Headers.GetValues("Cache-Control")));
            bytes += asset.Content.Headers.ContentLength!.Value;
            names.Add(Path.GetFileName(name));
        }

        Assert.Contains("uPlot.iife.min.js", names);
        Assert.True(names.Count > 8, string.Join(' ', names));
        Assert.True(bytes < MaxFirstLoad, $"{path} weighs {bytes} bytes.");
    }

    [Fact]
    public async Task Every_module_that_a_page_imports_is_named_in_it_so_that_all_come_at_once()
    {
        foreach (var path in (string[])["/", "/operator"])
        {
            var page = await _host.Anonymous.GetStringAsync(path);
            var version = new PageAssets().Version;
            var named = References().Matches(page).Select(match => Path.GetFileName(match.Groups[1].Value)).Where(name => name.EndsWith(".js", StringComparison.Ordinal)).ToHashSet();
            foreach (var module in named.ToList())
            {
                var script = module.StartsWith("uPlot", StringComparison.Ordinal) ? "" : await _host.Anonymous.GetStringAsync($"/assets/{version}/{module}");
                Assert.All(Imports().Matches(script).Select(match => match.Groups[1].Value), imported => Assert.Contains(imported, named));
            }
        }
    }

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip, deflate", "gzip")]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("br;q=0, gzip", "gzip")]
    [InlineData("identity", null)]
    public async Task A_page_comes_in_the_encoding_that_the_browser_takes(string accepted, string? encoding)
    {
        var plain = await _host.Anonymous.GetByteArrayAsync("/");
        using var response = await GetAsync("/", accepted);
        Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Equal("Accept-Encoding", response.Headers.Vary.Single());
        await using var body = await response.Content.ReadAsStreamAsync();
        await using Stream decoded = encoding switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var bytes = new MemoryStream();
        await decoded.CopyToAsync(bytes);
        Assert.Equal(plain, bytes.ToArray());
    }

    [Fact]
    public async Task A_page_that_the_browser_has_is_not_sent_again()
    {
        using var first = await GetAsync("/", "br");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "br");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await _host.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);

        using var plain = await GetAsync("/", "identity");
        Assert.NotEqual(first.Headers.ETag, plain.Headers.ETag);
    }

    [Fact]
    public async Task Assets_of_another_version_are_not_kept_and_others_are_not_found()
    {
        using var other = await GetAsync("/assets/0123456789ab/pages.css", "identity");
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal("no-cache", other.Headers.CacheControl?.ToString());
        foreach (var path in (string[])["/assets/0123456789ab/nothing.js", "/assets/0123456789ab/../index.html", "/assets/0123456789ab/..%2Findex.html", "/assets/0123456789ab/"])
        {
            using var response = await GetAsync(path, "identity");
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task HEAD_says_what_GET_would()
    {
        using var response = await _host.Anonymous.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((await _host.Anonymous.GetByteArrayAsync("/")).Length, response.Content.Headers.ContentLength);
    }

    [GeneratedRegex("(?:src|href)=\"(/assets/[^\"]+)\"")]
    private static partial Regex References();

    [GeneratedRegex("from '\\./([^']+)'")]
    private static partial Regex Imports();

    private async Task<HttpResponseMessage> GetAsync(string path, string encodings)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", encodings);
        return await _host.Anonymous.SendAsync(request);
    }
}
