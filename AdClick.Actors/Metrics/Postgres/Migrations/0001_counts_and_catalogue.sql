-- Minutes, quarters of an hour and days are numbered since 1970-01-01T00:00Z, as in the program. click_minute_utc, below, is for people.

-- A log epoch. There is one at a time: see LogRules.
CREATE TABLE logs (
    log        int  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch      uuid NOT NULL UNIQUE,
    partitions int  NOT NULL
);

CREATE TABLE progress (
    log                 int         NOT NULL,
    partition           int         NOT NULL,
    owner_epoch         bigint      NOT NULL,
    flushed_offset      bigint      NOT NULL DEFAULT 0,
    checkpoint_offset   bigint      NOT NULL DEFAULT 0,
    clock_ms            bigint      NOT NULL DEFAULT 0,
    allowed_lateness_ms bigint      NOT NULL DEFAULT 0,
    purge_below         bigint      NOT NULL DEFAULT 0,
    acquired_at         timestamptz NOT NULL,
    PRIMARY KEY (log, partition)
) WITH (fillfactor = 50); -- each row is updated once a second, in place while there is room

CREATE TABLE gateway_marks (
    log          int    NOT NULL,
    partition    int    NOT NULL,
    gateway      text   NOT NULL,
    time_ms      bigint NOT NULL,
    open_from_ms bigint NOT NULL,
    PRIMARY KEY (log, partition, gateway)
) WITH (fillfactor = 50);

-- An ad has a small number for good, given when it is put into the catalogue or first counted (counting does not know the catalogue).
CREATE TABLE ad_ids (
    ad    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ad_id text COLLATE "C" NOT NULL UNIQUE
);

-- The UTC days of which there are clicks, so that nothing has to look through click_minute for them; on plain PostgreSQL they have a partition.
CREATE TABLE click_days (
    day int PRIMARY KEY
);

-- One row per (ad, minute, sub-shard, outcome): a hypertable where TimescaleDB can be had, else partitioned; a UTC day each, either way.
-- An ad's day lies together in the key; BRIN finds the minutes of all ads, which the rows follow as they are written.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
        AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
        AND current_setting('timescaledb.max_background_workers', true) IS NOT NULL -- its loader is preloaded; without it CREATE ends the session
    THEN
        BEGIN
            CREATE EXTENSION timescaledb;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'TimescaleDB is there, but this user may not create the extension; click_minute is partitioned instead.';
        END;
    END IF;

    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE TABLE click_minute (
            clicks    bigint   NOT NULL CHECK (clicks >= 0),
            ad        int      NOT NULL,
            minute    int      NOT NULL,
            sub_shard smallint NOT NULL,
            outcome   smallint NOT NULL CHECK (outcome BETWEEN 0 AND 6 AND outcome <> 3),
            PRIMARY KEY (ad, minute, sub_shard, outcome)
        ) WITH (fillfactor = 85);
        EXECUTE format(
            'SELECT %s.create_hypertable(%L::regclass, %L::name, chunk_time_interval => 1440, create_default_indexes => false)',
            (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'timescaledb'), 'click_minute', 'minute');
    ELSE
        CREATE TABLE click_minute (
            clicks    bigint   NOT NULL CHECK (clicks >= 0),
            ad        int      NOT NULL,
            minute    int      NOT NULL,
            sub_shard smallint NOT NULL,
            outcome   smallint NOT NULL CHECK (outcome BETWEEN 0 AND 6 AND outcome <> 3),
            PRIMARY KEY (ad, minute, sub_shard, outcome)
        ) PARTITION BY RANGE (minute);
    END IF;
END
$$;
CREATE INDEX click_minute_by_time ON click_minute USING brin (minute) WITH (pages_per_range = 32, autosummarize = on);

-- Makes sure of days: called by a flush that finds one missing, and ahead of time. ATTACH, unlike PARTITION OF, makes nobody wait.
CREATE FUNCTION add_click_days(days int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    each_day  int;
    partition text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('adclick.click_days'));
    FOR each_day IN SELECT DISTINCT unnest(days) EXCEPT SELECT day FROM click_days ORDER BY 1 LOOP
        IF (SELECT relkind FROM pg_class WHERE oid = 'click_minute'::regclass) = 'p' THEN
            partition := 'click_minute_' || to_char(date '1970-01-01' + each_day, 'YYYYMMDD');
            EXECUTE format('CREATE TABLE %I (LIKE click_minute INCLUDING CONSTRAINTS) WITH (fillfactor = 85)', partition);
            EXECUTE format(
                'ALTER TABLE click_minute ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', partition, each_day * 1440, (each_day + 1) * 1440);
        END IF;
        INSERT INTO click_days VALUES (each_day);
    END LOOP;
END
$$;

-- Drops the minutes of all days before a day; returns of how many.
CREATE FUNCTION drop_click_days(first_day int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    each_day int;
    dropped  int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('adclick.click_days'));
    IF (SELECT relkind FROM pg_class WHERE oid = 'click_minute'::regclass) = 'r' THEN
        EXECUTE format(
            'SELECT %s.drop_chunks(%L::regclass, older_than => %s::int)',
            (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'timescaledb'), 'click_minute', first_day * 1440);
    END IF;
    FOR each_day IN DELETE FROM click_days WHERE day < first_day RETURNING day LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', 'click_minute_' || to_char(date '1970-01-01' + each_day, 'YYYYMMDD'));
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

CREATE VIEW click_minute_utc AS
SELECT to_timestamp(minute::bigint * 60) AS minute_utc, ad_id, sub_shard,
    (ARRAY['accepted', 'duplicate', 'repeat', 'late', 'bot', 'expired', 'inactive_ad'])[outcome + 1] AS outcome, clicks
FROM click_minute JOIN ad_ids USING (ad);

CREATE TABLE late_clicks (
    log           int      NOT NULL,
    partition     int      NOT NULL,
    "offset"      bigint   NOT NULL,
    ad            int      NOT NULL,
    minute        int      NOT NULL,
    sub_shard     smallint NOT NULL,
    outcome       smallint NOT NULL CHECK (outcome BETWEEN 0 AND 6),
    impression    uuid     NOT NULL,
    click_time_ms bigint   NOT NULL,
    PRIMARY KEY (log, partition, "offset")
);
CREATE INDEX late_clicks_by_ad ON late_clicks (ad, minute, outcome);
CREATE INDEX late_clicks_by_minute ON late_clicks (minute, ad, outcome);

CREATE TABLE rejected (
    log       int         NOT NULL,
    partition int         NOT NULL,
    "offset"  bigint      NOT NULL,
    reason    text        NOT NULL,
    record    bytea       NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (log, partition, "offset")
);

-- Rollups: one row per ad and bucket, late clicks included, repeats left out. A column without clicks is NULL, which takes no room. The key holds the
-- columns as well: an ad's buckets lie together in it, and answers are read from it alone. BRIN finds the buckets of all ads.
CREATE TABLE quarter_clicks (
    ad          int NOT NULL,
    quarter     int NOT NULL,
    clicks      bigint,
    duplicates  bigint,
    late        bigint,
    bot         bigint,
    expired     bigint,
    inactive_ad bigint,
    PRIMARY KEY (ad, quarter) INCLUDE (clicks, duplicates, late, bot, expired, inactive_ad)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX quarter_clicks_by_time ON quarter_clicks USING brin (quarter) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE day_clicks (
    ad          int NOT NULL,
    day         int NOT NULL,
    clicks      bigint,
    duplicates  bigint,
    late        bigint,
    bot         bigint,
    expired     bigint,
    inactive_ad bigint,
    PRIMARY KEY (ad, day) INCLUDE (clicks, duplicates, late, bot, expired, inactive_ad)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);

-- (ad, quarter) pairs that have changed since they were rolled up, or while they were. A row for each change: were one shared by two transactions,
-- the job could delete it without having seen what the other has written.
CREATE TABLE rollup_marks (
    mark    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ad      int NOT NULL,
    quarter int NOT NULL
);
CREATE INDEX rollup_marks_by_ad ON rollup_marks (ad, quarter);

-- Quarters before `quarter` are in quarter_clicks and days before `day` in day_clicks, but for what is marked. Whatever changes before
-- closed_quarter is marked. Days before first_day have no minutes any more.
CREATE TABLE rollup_frontier (
    id             int PRIMARY KEY CHECK (id = 1),
    closed_quarter int NOT NULL,
    quarter        int NOT NULL,
    day            int NOT NULL,
    first_day      int NOT NULL
);
INSERT INTO rollup_frontier VALUES (1, 0, 0, 0, 0);

CREATE TABLE ads (
    ad            int PRIMARY KEY,
    ad_id         text COLLATE "C" NOT NULL UNIQUE,
    advertiser_id text COLLATE "C" NOT NULL,
    name          text     NOT NULL,
    target_url    text     NOT NULL,
    status        smallint NOT NULL,
    campaign_id   text,
    change        bigint   NOT NULL UNIQUE
);
CREATE INDEX ads_by_advertiser ON ads (advertiser_id, ad_id) INCLUDE (ad);

-- Number of the last change. Its row is locked by whoever changes an ad, so that changes are seen in the order of their numbers.
CREATE TABLE ad_changes (
    id          int PRIMARY KEY CHECK (id = 1),
    last_change bigint NOT NULL
);
INSERT INTO ad_changes VALUES (1, 0);

CREATE TABLE api_keys (
    name          text COLLATE "C" PRIMARY KEY,
    scope         smallint NOT NULL,
    advertiser_id text,
    hash          bytea       NOT NULL CHECK (octet_length(hash) = 32),
    created_at    timestamptz NOT NULL
);
