using AdClick.Actors.Clicks;
using Parquet.Schema;

namespace AdClick.Actors.Lake;

/// <summary>Clicks of one hour, column by column, on their way into a file.</summary>
/// <param name="log">Epoch of the log, as text.</param>
/// <param name="partition">Partition.</param>
internal sealed partial class ClickRows(string log, int partition)
{
    private static readonly string[] Verdicts = ["valid", "bot", "expired", "inactive_ad"];

    private static readonly DataField LogField = new DataField<string>("log", nullable: false);
    private static readonly DataField PartitionField = new DataField<int>("partition");
    private static readonly DataField OffsetField = new DataField<long>("offset");
    private static readonly DataField AppendTimeField = ParquetFiles.Time("append_time");
    private static readonly DataField EffectiveTimeField = ParquetFiles.Time("effective_time");
    private static readonly DataField ClockField = ParquetFiles.Time("clock");
    private static readonly DataField NonceField = new DataField<long>("nonce");
    private static readonly DataField AdField = new DataField<string>("ad_id", nullable: false);
    private static readonly DataField SubShardField = new DataField<int>("sub_shard");
    private static readonly DataField ImpressionField = new DataField<string>("impression_id", nullable: false);
    private static readonly DataField ExpiresField = ParquetFiles.Time("expires_at");
    private static readonly DataField ClickTimeField = ParquetFiles.Time("click_time");
    private static readonly DataField VerdictField = new DataField<string>("verdict", nullable: false);
    private static readonly DataField PlacementField = new DataField<string>("placement");
    private static readonly DataField UserAgentField = new DataField<string>("user_agent");
    private static readonly DataField NetworkField = new DataField<string>("client_network");
    private static readonly DataField ReferrerField = new DataField<string>("referrer_host");
    private static readonly DataField LanguageField = new DataField<string>("language");
    private static readonly DataField GatewayField = new DataField<string>("gateway");

    private static readonly ParquetSchema Schema = new(
        LogField, PartitionField, OffsetField, AppendTimeField, EffectiveTimeField, ClockField, NonceField, AdField, SubShardField, ImpressionField,
        ExpiresField, ClickTimeField, VerdictField, PlacementField, UserAgentField, NetworkField, ReferrerField, LanguageField, GatewayField);

    private readonly Column<long> _offsets = new();
    private readonly Column<DateTime> _appendTimes = new();
    private readonly Column<DateTime> _effectiveTimes = new();
    private readonly Column<DateTime> _clocks = new();
    private readonly Column<long> _nonces = new();
    private readonly Column<string> _ads = new();
    private readonly Column<int> _subShards = new();
    private readonly Column<string> _impressions = new();
    private readonly Column<DateTime> _expiries = new();
    private readonly Column<DateTime> _clickTimes = new();
    private readonly Column<string> _verdicts = new();
    private readonly Column<string?> _placements = new();
    private readonly Column<string?> _userAgents = new();
    private readonly Column<string?> _networks = new();
    private readonly Column<string?> _referrers = new();
    private readonly Column<string?> _languages = new();
    private readonly Column<string?> _gateways = new();

    /// <summary>Epoch of the log, as text.</summary>
    public string Log => log;

    /// <summary>Partition.</summary>
    public int Partition => partition;

    /// <summary>Number of clicks.</summary>
    public int Count => _offsets.Count;

    /// <summary>Adds a click.</summary>
    /// <param name="offset">Offset.</param>
    /// <param name="appendTimeMs">Append time.</param>
    /// <param name="clockMs">Partition clock before it.</param>
    /// <param name="ad">Its ad key.</param>
    /// <param name="click">The record.</param>
    /// <param name="texts">Texts seen before.</param>
    public void Add(long offset, long appendTimeMs, long clockMs, AdKey ad, in LogRecordReader click, TextTable texts)
    {
        _offsets.Add(offset);
        _appendTimes.Add(Time(appendTimeMs));
        _effectiveTimes.Add(Time(Math.Min(click.ClickTimeMs, appendTimeMs)));
        _clocks.Add(Time(clockMs));
        _nonces.Add((long)click.Nonce);
        _ads.Add(ad.AdId);
        _subShards.Add(ad.SubShard);
        _impressions.Add(new ImpressionId(click.ImpressionHigh, click.ImpressionLow).ToString());
        _expiries.Add(Time(click.ExpiresAtMs));
        _clickTimes.Add(Time(click.ClickTimeMs));
        _verdicts.Add(Verdicts[(int)click.Verdict]);
        _placements.Add(texts.Of(click.Placement));
        _userAgents.Add(texts.Of(click.UserAgent));
        _networks.Add(texts.Of(click.ClientNetwork));
        _referrers.Add(texts.Of(click.ReferrerHost));
        _languages.Add(texts.Of(click.Language));
        _gateways.Add(texts.Of(click.Gateway));
    }

    /// <summary>The file.</summary>
    public Task<ReadOnlyMemory<byte>> ToParquetAsync() => ParquetFiles.WriteAsync(Schema, async rows =>
    {
        await rows.WriteAsync(LogField, (string[])[.. Enumerable.Repeat(log, Count)]).ConfigureAwait(false);
        await rows.WriteAsync<int>(PartitionField, Enumerable.Repeat(partition, Count).ToArray()).ConfigureAwait(false);
        await rows.WriteAsync(OffsetField, _offsets.Values).ConfigureAwait(false);
        await rows.WriteAsync(AppendTimeField, _appendTimes.Values).ConfigureAwait(false);
        await rows.WriteAsync(EffectiveTimeField, _effectiveTimes.Values).ConfigureAwait(false);
        await rows.WriteAsync(ClockField, _clocks.Values).ConfigureAwait(false);
        await rows.WriteAsync(NonceField, _nonces.Values).ConfigureAwait(false);
        await rows.WriteAsync(AdField, _ads.List).ConfigureAwait(false);
        await rows.WriteAsync(SubShardField, _subShards.Values).ConfigureAwait(false);
        await rows.WriteAsync(ImpressionField, _impressions.List).ConfigureAwait(false);
        await rows.WriteAsync(ExpiresField, _expiries.Values).ConfigureAwait(false);
        await rows.WriteAsync(ClickTimeField, _clickTimes.Values).ConfigureAwait(false);
        await rows.WriteAsync(VerdictField, _verdicts.List).ConfigureAwait(false);
        await rows.WriteAsync(PlacementField, _placements.List!).ConfigureAwait(false);
        await rows.WriteAsync(UserAgentField, _userAgents.List!).ConfigureAwait(false);
        await rows.WriteAsync(NetworkField, _networks.List!).ConfigureAwait(false);
        await rows.WriteAsync(ReferrerField, _referrers.List!).ConfigureAwait(false);
        await rows.WriteAsync(LanguageField, _languages.List!).ConfigureAwait(false);
        await rows.WriteAsync(GatewayField, _gateways.List!).ConfigureAwait(false);
    });

    private static DateTime Time(long unixMs) => new(DateTime.UnixEpoch.Ticks + (unixMs * TimeSpan.TicksPerMillisecond), DateTimeKind.Utc);
}
