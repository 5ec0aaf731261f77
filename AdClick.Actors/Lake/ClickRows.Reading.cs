using System.Globalization;
using AdClick.Actors.Clicks;
using Parquet;
using Parquet.Schema;

namespace AdClick.Actors.Lake;

/// <summary>Clicks out of a file of the lake.</summary>
internal sealed partial class ClickRows
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="InvalidDataException">It is not a file of clicks as this version writes them.</exception>
    public static Task<ClickRows> ReadAsync(Stream file, CancellationToken cancellationToken) =>
        OpenAsync(file, async reader => await ReadAllAsync(reader, cancellationToken).ConfigureAwait(false), cancellationToken);

    /// <summary>The clicks of one impression in a file. Where there are none, one column of it is read and no other.</summary>
    /// <exception cref="InvalidDataException">It is not a file of clicks as this version writes them.</exception>
    public static Task<IReadOnlyList<RawClick>> FindAsync(Stream file, ImpressionId impression, CancellationToken cancellationToken)
    {
        var wanted = impression.ToString();
        return OpenAsync<IReadOnlyList<RawClick>>(
            file,
            async reader =>
            {
                var isThere = false;
                for (var group = 0; group < reader.RowGroupCount && !isThere; group++)
                {
                    using var rows = reader.OpenRowGroupReader(group);
                    isThere = (await TextsAsync(reader, rows, ImpressionField, cancellationToken).ConfigureAwait(false)).Contains(wanted);
                }

                if (!isThere)
                {
                    return [];
                }

                var all = await ReadAllAsync(reader, cancellationToken).ConfigureAwait(false);
                return [.. Enumerable.Range(0, all.Count).Where(row => all._impressions[row] == wanted).Select(row => all[row])];
            },
            cancellationToken);
    }

    /// <summary>A click.</summary>
    public RawClick this[int row] => new()
    {
        LogEpoch = Guid.Parse(log, CultureInfo.InvariantCulture),
        Partition = partition,
        Ad = new AdKey(_ads[row], _subShards[row]),
        AppendTimeMs = Ms(_appendTimes[row]),
        Logged = new LoggedClick
        {
            Offset = _offsets[row],
            Nonce = (ulong)_nonces[row],
            Impression = ImpressionId.TryParse(_impressions[row], out var impression) ? impression : default,
            ExpiresAtMs = Ms(_expiries[row]),
            ClickTimeMs = Ms(_clickTimes[row]),
            EffectiveTimeMs = Ms(_effectiveTimes[row]),
            ClockMs = Ms(_clocks[row]),
            Verdict = Array.IndexOf(Verdicts, _verdicts[row]) is >= 0 and var verdict
                ? (ClickVerdict)verdict
                : throw new InvalidDataException($"Its row of offset {_offsets[row]} has the verdict '{_verdicts[row]}', which this version does not know."),
        },
        Placement = _placements[row],
        UserAgent = _userAgents[row],
        ClientNetwork = _networks[row],
        ReferrerHost = _referrers[row],
        Language = _languages[row],
    };

    /// <summary>The clicks but for those of some ads whose effective time lies before a time.</summary>
    public ClickRows Without(IReadOnlySet<string> ads, long beforeMs)
    {
        var rest = new ClickRows(log, partition);
        for (var row = 0; row < Count; row++)
        {
            if (!ads.Contains(_ads[row]) || Ms(_effectiveTimes[row]) >= beforeMs)
            {
                rest.AddFrom(this, row);
            }
        }

        return rest;
    }

    private void AddFrom(ClickRows other, int row)
    {
        _offsets.Add(other._offsets[row]);
        _appendTimes.Add(other._appendTimes[row]);
        _effectiveTimes.Add(other._effectiveTimes[row]);
        _clocks.Add(other._clocks[row]);
        _nonces.Add(other._nonces[row]);
        _ads.Add(other._ads[row]);
        _subShards.Add(other._subShards[row]);
        _impressions.Add(other._impressions[row]);
        _expiries.Add(other._expiries[row]);
        _clickTimes.Add(other._clickTimes[row]);
        _verdicts.Add(other._verdicts[row]);
        _placements.Add(other._placements[row]);
        _userAgents.Add(other._userAgents[row]);
        _networks.Add(other._networks[row]);
        _referrers.Add(other._referrers[row]);
        _languages.Add(other._languages[row]);
        _gateways.Add(other._gateways[row]);
    }

    private static async Task<T> OpenAsync<T>(Stream file, Func<ParquetReader, Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var reader = await ParquetReader.CreateAsync(file, leaveStreamOpen: true, cancellationToken: cancellationToken).ConfigureAwait(false);
            return await read(reader).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException or InvalidDataException))
        {
            throw new InvalidDataException($"It is not a file of clicks as this version writes them: {e.Message}", e);
        }
    }

    private static async Task<ClickRows> ReadAllAsync(ParquetReader reader, CancellationToken cancellationToken)
    {
        ClickRows? all = null;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var rows = reader.OpenRowGroupReader(group);
            var part = await ReadGroupAsync(reader, rows, cancellationToken).ConfigureAwait(false);
            if (all is null)
            {
                all = part;
                continue;
            }

            for (var row = 0; row < part.Count; row++)
            {
                all.AddFrom(part, row);
            }
        }

        return all ?? throw new InvalidDataException("It has no rows.");
    }

    private static async Task<ClickRows> ReadGroupAsync(ParquetReader reader, ParquetRowGroupReader group, CancellationToken cancellationToken)
    {
        async Task TextAsync(Column<string> column, DataField field) =>
            column.Take(await TextsAsync(reader, group, field, cancellationToken).ConfigureAwait(false));

        async Task OptionalAsync(Column<string?> column, DataField field) =>
            column.Take(await TextsAsync(reader, group, field, cancellationToken).ConfigureAwait(false));

        async Task ValueAsync<T>(Column<T> column, DataField field) where T : struct =>
            column.Take(await ValuesAsync<T>(reader, group, field, cancellationToken).ConfigureAwait(false));

        async Task TimeAsync(Column<DateTime> column, DataField field)
        {
            var times = await ValuesAsync<DateTime>(reader, group, field, cancellationToken).ConfigureAwait(false);
            for (var row = 0; row < times.Length; row++)
            {
                times[row] = DateTime.SpecifyKind(times[row], DateTimeKind.Utc);
            }

            column.Take(times);
        }

        var logs = await TextsAsync(reader, group, LogField, cancellationToken).ConfigureAwait(false);
        var partitions = await ValuesAsync<int>(reader, group, PartitionField, cancellationToken).ConfigureAwait(false);
        if (logs.Length == 0)
        {
            throw new InvalidDataException("It has a group without rows.");
        }

        var rows = new ClickRows(logs[0], partitions[0]);
        await ValueAsync(rows._offsets, OffsetField).ConfigureAwait(false);
        await TimeAsync(rows._appendTimes, AppendTimeField).ConfigureAwait(false);
        await TimeAsync(rows._effectiveTimes, EffectiveTimeField).ConfigureAwait(false);
        await TimeAsync(rows._clocks, ClockField).ConfigureAwait(false);
        await ValueAsync(rows._nonces, NonceField).ConfigureAwait(false);
        await TextAsync(rows._ads, AdField).ConfigureAwait(false);
        await ValueAsync(rows._subShards, SubShardField).ConfigureAwait(false);
        await TextAsync(rows._impressions, ImpressionField).ConfigureAwait(false);
        await TimeAsync(rows._expiries, ExpiresField).ConfigureAwait(false);
        await TimeAsync(rows._clickTimes, ClickTimeField).ConfigureAwait(false);
        await TextAsync(rows._verdicts, VerdictField).ConfigureAwait(false);
        await OptionalAsync(rows._placements, PlacementField).ConfigureAwait(false);
        await OptionalAsync(rows._userAgents, UserAgentField).ConfigureAwait(false);
        await OptionalAsync(rows._networks, NetworkField).ConfigureAwait(false);
        await OptionalAsync(rows._referrers, ReferrerField).ConfigureAwait(false);
        await OptionalAsync(rows._languages, LanguageField).ConfigureAwait(false);
        await OptionalAsync(rows._gateways, GatewayField).ConfigureAwait(false);
        return rows;
    }

    private static async Task<string[]> TextsAsync(ParquetReader reader, ParquetRowGroupReader group, DataField field, CancellationToken cancellationToken)
    {
        var texts = new string[group.RowCount];
        await group.ReadAsync(FieldOf(reader, field), new Memory<string?>(texts), cancellationToken: cancellationToken).ConfigureAwait(false);
        return texts;
    }

    private static async Task<T[]> ValuesAsync<T>(ParquetReader reader, ParquetRowGroupReader group, DataField field, CancellationToken cancellationToken)
        where T : struct
    {
        var values = new T[group.RowCount];
        await group.ReadAsync(FieldOf(reader, field), values.AsMemory(), cancellationToken: cancellationToken).ConfigureAwait(false);
        return values;
    }

    private static DataField FieldOf(ParquetReader reader, DataField field) =>
        Array.Find(reader.Schema.GetDataFields(), found => found.Name == field.Name)
            ?? throw new InvalidDataException($"It has no column {field.Name}.");

    private static long Ms(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
}
