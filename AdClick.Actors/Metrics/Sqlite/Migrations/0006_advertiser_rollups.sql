-- Rollups summed over the ads of an advertiser, so that its answers don't grow with the number of its ads. A bucket of which any of these ads is marked
-- (rollup_marks), or not rolled up yet, is not true: its ads are.
CREATE TABLE advertiser_quarter_clicks (
    advertiser_id TEXT    NOT NULL,
    quarter       INTEGER NOT NULL,
    clicks        INTEGER NOT NULL,
    duplicates    INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    bot           INTEGER NOT NULL,
    expired       INTEGER NOT NULL,
    inactive_ad   INTEGER NOT NULL,
    PRIMARY KEY (advertiser_id, quarter)
) STRICT, WITHOUT ROWID;

CREATE TABLE advertiser_day_clicks (
    advertiser_id TEXT    NOT NULL,
    day           INTEGER NOT NULL,
    clicks        INTEGER NOT NULL,
    duplicates    INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    bot           INTEGER NOT NULL,
    expired       INTEGER NOT NULL,
    inactive_ad   INTEGER NOT NULL,
    PRIMARY KEY (advertiser_id, day)
) STRICT, WITHOUT ROWID;

-- The layouts of the keys are those of StoreKeys.cs.
INSERT INTO advertiser_quarter_clicks
SELECT advertiser_id, (bucket >> 34) * 96 + (bucket & 127) AS quarter, sum(clicks), sum(duplicates), sum(late), sum(bot), sum(expired), sum(inactive_ad)
FROM quarter_clicks JOIN ads ON ad = (bucket >> 7) & 134217727 GROUP BY advertiser_id, quarter;

INSERT INTO advertiser_day_clicks
SELECT advertiser_id, bucket & 262143 AS day, sum(clicks), sum(duplicates), sum(late), sum(bot), sum(expired), sum(inactive_ad)
FROM day_clicks JOIN ads ON ad = bucket >> 18 GROUP BY advertiser_id, day;
