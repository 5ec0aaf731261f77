using System.Diagnostics;
using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Clicks;

/// <summary>Holds docs/token-format.md against the code: an ad server has nothing else to go by.</summary>
public class TokenFormatDocTests
{
    private static readonly string[] Doc = File.ReadAllLines(RepositoryFiles.PathOf("docs/token-format.md"));

    [Fact]
    public void The_test_vectors_of_tokens_are_right()
    {
        var vectors = Blocks("```").Where(block => block[^1].StartsWith("token ", StringComparison.Ordinal)).Select(Fields).ToList();
        Assert.True(vectors.Count >= 4, $"There are {vectors.Count} token vectors.");
        foreach (var vector in vectors)
        {
            Assert.True(ImpressionId.TryParse(vector["impression"], out var impression));
            var placement = vector["placement"] == "(none)" ? null : vector["placement"];
            var token = new ImpressionToken(impression, Number(vector["expires at"]), vector["ad ID"], (int)Number(vector["sub-shard"]), placement);
            var ring = RingOf(vector);
            Assert.Equal(vector["token"], ring.Sign(token));
            Assert.True(ring.TryVerify(vector["token"], out var read, out _));
            Assert.Equal(token, read);
        }
    }

    [Fact]
    public void The_test_vectors_of_click_IDs_are_right()
    {
        var vectors = Blocks("```").Where(block => block[^1].StartsWith("click ID ", StringComparison.Ordinal)).Select(Fields).ToList();
        Assert.True(vectors.Count >= 2, $"There are {vectors.Count} click ID vectors.");
        foreach (var vector in vectors)
        {
            Assert.True(ImpressionId.TryParse(vector["impression"], out var impression));
            var ad = new AdKey(vector["ad ID"], (int)Number(vector["sub-shard"]));
            var ring = RingOf(vector);
            Assert.Equal(vector["click ID"], ring.SignClickId(impression, ad, Number(vector["click time"])));
            Assert.True(ring.TryVerifyClickId(vector["click ID"], out var read));
            Assert.Equal(new ClickId(impression, ad, Number(vector["click time"]), vector["key ID"]), read);
        }
    }

    [Fact]
    public void The_limits_are_those_of_the_code()
    {
        var text = string.Join(' ', Doc);
        Assert.Contains(
            $"the longest has {SignedText.MaxTokenBytes} bytes, {SigningKeyRing.MaxTokenLength} characters", text, StringComparison.Ordinal);
        Assert.Contains(
            $"at most {SignedText.MaxClickIdBytes} bytes, {SigningKeyRing.MaxClickIdLength} characters", text, StringComparison.Ordinal);
        Assert.Contains($"below {LogRecordReader.MaxTimeMs.ToString("N0", CultureInfo.InvariantCulture)}", text, StringComparison.Ordinal);
        Assert.Contains($"| key ID length | 1 to {SigningKey.MaxKeyIdLength} |", text, StringComparison.Ordinal);
        Assert.Contains($"| sub-shard | 0 to {AdKey.MaxSubShards - 1},", text, StringComparison.Ordinal);
    }

    [PythonFact]
    public async Task The_Python_example_makes_the_first_test_vector()
    {
        var example = Assert.Single(Blocks("```python"));
        Assert.True(example.Length <= 25, $"The example has {example.Length} lines.");
        var start = new ProcessStartInfo(PythonFactAttribute.Python, "-") { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var python = Process.Start(start)!;
        await python.StandardInput.WriteAsync(string.Join('\n', example));
        python.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var output = await python.StandardOutput.ReadToEndAsync(patience.Token);
        await python.WaitForExitAsync(patience.Token);
        Assert.Equal(Fields(Blocks("```").First(block => block[^1].StartsWith("token ", StringComparison.Ordinal)))["token"], output.Trim());
    }

    private static IEnumerable<string[]> Blocks(string opening)
    {
        for (var i = 0; i < Doc.Length; i++)
        {
            if (Doc[i].StartsWith("```", StringComparison.Ordinal))
            {
                var end = Array.IndexOf(Doc, "```", i + 1);
                if (Doc[i] == opening)
                {
                    yield return Doc[(i + 1)..end];
                }

                i = end;
            }
        }
    }

    private static Dictionary<string, string> Fields(string[] block) => block.ToDictionary(line => line[..12].Trim(), line => line[12..]);

    private static SigningKeyRing RingOf(Dictionary<string, string> vector) =>
        new([new SigningKey(vector["key ID"], Convert.FromBase64String(vector["secret"]))], vector["key ID"]);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Runs where there is a python3.</summary>
    private sealed class PythonFactAttribute : FactAttribute
    {
        public const string Python = "python3";

        public PythonFactAttribute()
        {
            var path = Environment.GetEnvironmentVariable("PATH") ?? "";
            if (!path.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, Python))))
            {
                Skip = "There is no python3 on the PATH; the example of docs/token-format.md was not run.";
            }
        }
    }
}
