-- Rollups summed over the ads of an advertiser, so that its answers don't grow with the number of its ads. A bucket of which any of these ads is marked
-- (rollup_marks) is not true: its ads are.
CREATE TABLE advertiser_quarter_clicks (
    advertiser_id text COLLATE "C" NOT NULL,
    quarter       int  NOT NULL,
    clicks        bigint,
    duplicates    bigint,
    late          bigint,
    bot           bigint,
    expired       bigint,
    inactive_ad   bigint,
    PRIMARY KEY (advertiser_id, quarter) INCLUDE (clicks, duplicates, late, bot, expired, inactive_ad)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);

CREATE TABLE advertiser_day_clicks (
    advertiser_id text COLLATE "C" NOT NULL,
    day           int  NOT NULL,
    clicks        bigint,
    duplicates    bigint,
    late          bigint,
    bot           bigint,
    expired       bigint,
    inactive_ad   bigint,
    PRIMARY KEY (advertiser_id, day) INCLUDE (clicks, duplicates, late, bot, expired, inactive_ad)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);

INSERT INTO advertiser_quarter_clicks
SELECT advertiser_id, quarter, click_sum(clicks), click_sum(duplicates), click_sum(late), click_sum(bot), click_sum(expired), click_sum(inactive_ad)
FROM quarter_clicks JOIN ads USING (ad) GROUP BY advertiser_id, quarter ORDER BY advertiser_id, quarter;

INSERT INTO advertiser_day_clicks
SELECT advertiser_id, day, click_sum(clicks), click_sum(duplicates), click_sum(late), click_sum(bot), click_sum(expired), click_sum(inactive_ad)
FROM day_clicks JOIN ads USING (ad) GROUP BY advertiser_id, day ORDER BY advertiser_id, day;
