using AdClick.Actors.Clicks;
using BenchmarkDotNet.Attributes;

namespace AdClick.Benchmarks.Micro;

/// <summary>What the gateway does for each click, one step each.</summary>
[MemoryDiagnoser]
public class ClickBenchmarks
{
    private const string AdId = "ad12345";
    private const string Browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

    private readonly byte[] _record = new byte[ClickRecordWriter.MaxBytes];
    private readonly SigningKeyRing _keys = new([new SigningKey("bench", new byte[SigningKey.SecretLength])], "bench");
    private readonly ImpressionId _impression = ImpressionId.New(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly DeclaredBots _bots = DeclaredBots.Load();
    private TargetUrl _target = null!;
    private string _token = "";
    private string _clickId = "";
    private long _now;
    private ClickRecord _click;
    private byte[] _encoded = [];

    /// <summary>Makes what the steps work on.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _now = _impression.IssuedAtMs + 1_000;
        _token = _keys.Sign(new ImpressionToken(_impression, _now + 3_600_000, AdId, 0, "top"));
        _clickId = _keys.SignClickId(_impression, new AdKey(AdId, 0), _now);
        if (!TargetUrl.TryParse("https://shop.example/offer?campaign=load&click={click_id}&p={placement}", out var target, out var error))
        {
            throw new InvalidOperationException(error);
        }

        _target = target;
        _click = new ClickRecord
        {
            Nonce = 0x0123456789abcdef,
            Impression = _impression,
            ExpiresAtMs = _now + 3_600_000,
            Ad = new AdKey(AdId, 0),
            ClickTimeMs = _now,
            Placement = "top",
            UserAgent = Browser,
            ClientNetwork = "203.0.113.0/24",
            ReferrerHost = "news.example",
            Language = "en-GB",
            Gateway = "gateway-1",
        };
        _encoded = _record[..ClickRecordWriter.Write(_click, _record)];
    }

    /// <summary>An ad server's part.</summary>
    [Benchmark]
    public string SignToken() => _keys.Sign(new ImpressionToken(_impression, _now + 3_600_000, AdId, 0, "top"));

    /// <summary>Token check.</summary>
    [Benchmark]
    public bool VerifyToken() => _keys.TryVerify(_token, out _, out _);

    /// <summary>Click ID.</summary>
    [Benchmark]
    public string SignClickId() => _keys.SignClickId(_impression, new AdKey(AdId, 0), _now);

    /// <summary>Location header.</summary>
    [Benchmark]
    public string FillTarget() => _target.Fill(_clickId, _impression, AdId, "top", _now);

    /// <summary>Is it a declared bot?</summary>
    [Benchmark]
    public bool CheckBot() => _bots.IsBot(Browser);

    /// <summary>Partition of the ad key.</summary>
    [Benchmark]
    public int FindPartition() => _click.Ad.Partition(8);

    /// <summary>Record for the log.</summary>
    [Benchmark]
    public int EncodeRecord() => ClickRecordWriter.Write(_click, _record);

    /// <summary>The counting's first step: the record read back.</summary>
    [Benchmark]
    public long ReadRecord()
    {
        var reader = default(LogRecordReader);
        return reader.Read(_encoded) == LogRecordReader.Kind.Click ? reader.ClickTimeMs : throw new InvalidOperationException("Unreadable.");
    }
}
