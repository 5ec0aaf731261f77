-- A log epoch, numbered so that its 16 bytes are not repeated in every row. There is one at a time: see SqliteMetricsStore.AcquireAsync.
CREATE TABLE logs (
    log        INTEGER PRIMARY KEY,
    epoch      BLOB    NOT NULL UNIQUE CHECK (length(epoch) = 16),
    partitions INTEGER NOT NULL
) STRICT;

CREATE TABLE progress (
    log                 INTEGER NOT NULL,
    partition           INTEGER NOT NULL,
    owner_epoch         INTEGER NOT NULL,
    flushed_offset      INTEGER NOT NULL DEFAULT 0,
    checkpoint_offset   INTEGER NOT NULL DEFAULT 0,
    clock_ms            INTEGER NOT NULL DEFAULT 0,
    allowed_lateness_ms INTEGER NOT NULL DEFAULT 0,
    purge_below         INTEGER NOT NULL DEFAULT 0,
    acquired_at_ms      INTEGER NOT NULL,
    PRIMARY KEY (log, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE gateway_marks (
    log          INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    gateway      TEXT    NOT NULL,
    time_ms      INTEGER NOT NULL,
    open_from_ms INTEGER NOT NULL,
    PRIMARY KEY (log, partition, gateway)
) STRICT, WITHOUT ROWID;

-- An ad has a small number for good, given when it is put into the catalogue or first counted (counting does not know the catalogue).
CREATE TABLE ad_ids (
    ad    INTEGER PRIMARY KEY,
    ad_id TEXT    NOT NULL UNIQUE
) STRICT;

-- One row per (minute, ad, sub-shard, outcome), all of them packed into the key in this order (StoreKeys.cs): a flush writes few pages, those of its
-- minutes, and the integer key is the fastest that SQLite has. The view beneath shows it to people.
CREATE TABLE minute_cells (
    cell   INTEGER PRIMARY KEY,
    clicks INTEGER NOT NULL
) STRICT;

CREATE VIEW click_minute AS
SELECT ad_id, (cell >> 3) & 63 AS sub_shard, cell >> 36 AS minute, cell & 7 AS outcome, clicks
FROM minute_cells JOIN ad_ids ON ad = (cell >> 9) & 134217727;

CREATE TABLE late_clicks (
    log           INTEGER NOT NULL,
    partition     INTEGER NOT NULL,
    "offset"      INTEGER NOT NULL,
    ad            INTEGER NOT NULL,
    sub_shard     INTEGER NOT NULL,
    minute        INTEGER NOT NULL,
    outcome       INTEGER NOT NULL,
    impression    BLOB    NOT NULL CHECK (length(impression) = 16),
    click_time_ms INTEGER NOT NULL,
    PRIMARY KEY (log, partition, "offset")
) STRICT, WITHOUT ROWID;
CREATE INDEX late_clicks_by_ad ON late_clicks (ad, minute, outcome);
CREATE INDEX late_clicks_by_minute ON late_clicks (minute, ad, outcome);

CREATE TABLE rejected (
    log          INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    "offset"     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    record       BLOB    NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    UNIQUE (log, partition, "offset")
) STRICT;

-- Rollups: one row per ad and bucket, late clicks included, repeats left out (docs/decisions/0003-rollups.md).
-- quarter_clicks is keyed by (UTC day, ad, quarter of the day), day_clicks by (ad, UTC day).
CREATE TABLE quarter_clicks (
    bucket      INTEGER PRIMARY KEY,
    clicks      INTEGER NOT NULL,
    duplicates  INTEGER NOT NULL,
    late        INTEGER NOT NULL,
    bot         INTEGER NOT NULL,
    expired     INTEGER NOT NULL,
    inactive_ad INTEGER NOT NULL
) STRICT;

CREATE TABLE day_clicks (
    bucket      INTEGER PRIMARY KEY,
    clicks      INTEGER NOT NULL,
    duplicates  INTEGER NOT NULL,
    late        INTEGER NOT NULL,
    bot         INTEGER NOT NULL,
    expired     INTEGER NOT NULL,
    inactive_ad INTEGER NOT NULL
) STRICT;

-- (ad, quarter) pairs that were rolled up and have changed since.
CREATE TABLE rollup_marks (
    mark INTEGER PRIMARY KEY
) STRICT;

-- Everything before (quarter, quarter_ad) in that order is in quarter_clicks, everything before (day, day_ad) in day_clicks, but for what is marked.
CREATE TABLE rollup_frontier (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    quarter    INTEGER NOT NULL,
    quarter_ad INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    day_ad     INTEGER NOT NULL
) STRICT;
INSERT INTO rollup_frontier VALUES (1, 0, 0, 0, 0);

CREATE TABLE ads (
    ad            INTEGER PRIMARY KEY,
    ad_id         TEXT    NOT NULL UNIQUE,
    advertiser_id TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    target_url    TEXT    NOT NULL,
    status        INTEGER NOT NULL,
    campaign_id   TEXT,
    change        INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX ads_by_advertiser ON ads (advertiser_id, ad_id);

CREATE TABLE api_keys (
    name          TEXT    PRIMARY KEY,
    scope         INTEGER NOT NULL,
    advertiser_id TEXT,
    hash          BLOB    NOT NULL CHECK (length(hash) = 32),
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
