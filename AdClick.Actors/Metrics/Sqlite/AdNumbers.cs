namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>The numbers of ads, as the writer knows them. New ones belong to the open transaction.</summary>
internal sealed class AdNumbers
{
    private const int MaxRemembered = 2_000_000; // some 200 MB; beyond that, looking them up again is the lesser evil

    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _new = [];

    /// <summary>The number of an ad, given now if it has none.</summary>
    public int Of(SqliteDatabase database, string adId)
    {
        if (_numbers.TryGetValue(adId, out var number))
        {
            return number;
        }

        number = Find(database, adId);
        if (number == 0)
        {
            var insert = database.Prepare("INSERT INTO ad_ids (ad_id) VALUES (?1) RETURNING ad").Bind(1, adId);
            insert.Step();
            number = insert.Int32(0);
            insert.Step();
            insert.Reset();
            if (number >= StoreKeys.EndOfAds)
            {
                throw new InvalidOperationException(
                    $"The metrics database {database.File} has numbered {StoreKeys.EndOfAds - 1} ads, which is all it can.");
            }

            _new.Add(adId);
        }

        _numbers.Add(adId, number);
        return number;
    }

    /// <summary>The stored number of an ad, or 0.</summary>
    public static int Find(SqliteDatabase database, string adId)
    {
        var find = database.Prepare("SELECT ad FROM ad_ids WHERE ad_id = ?1").Bind(1, adId);
        var number = find.Step() ? find.Int32(0) : 0;
        find.Reset();
        return number;
    }

    /// <summary>The open transaction was committed.</summary>
    public void Commit()
    {
        _new.Clear();
        if (_numbers.Count > MaxRemembered)
        {
            _numbers.Clear();
        }
    }

    /// <summary>The open transaction was taken back, and the numbers that it gave with it.</summary>
    public void Rollback()
    {
        foreach (var adId in _new)
        {
            _numbers.Remove(adId);
        }

        _new.Clear();
    }
}
