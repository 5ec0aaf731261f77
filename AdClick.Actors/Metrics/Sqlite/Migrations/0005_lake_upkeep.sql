-- What is done to the lake beside archiving. One at a time is at it: whoever holds the turn (docs/decisions/0018-lake-upkeep.md).
CREATE TABLE lake_upkeep (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    first_hour INTEGER NOT NULL, -- files of UTC hours before it are no longer kept
    turn       INTEGER NOT NULL, -- number of the newest turn
    until_ms   INTEGER NOT NULL  -- when it ends
) STRICT;
INSERT INTO lake_upkeep VALUES (1, 0, 0, 0);

-- Files that lake_files does not name, or no longer, and that may lie in the lake all the same.
CREATE TABLE lake_removals (
    log       INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    PRIMARY KEY (log, partition, name)
) STRICT, WITHOUT ROWID;

-- Requests to delete what is kept of an advertiser's clicks, done and to be done.
CREATE TABLE erasures (
    erasure         INTEGER PRIMARY KEY,
    advertiser_id   TEXT    NOT NULL,
    requested_by    TEXT    NOT NULL, -- name of the API key
    requested_at_ms INTEGER NOT NULL, -- clicks before it are erased
    ended_at_ms     INTEGER,
    files_rewritten INTEGER NOT NULL DEFAULT 0,
    files_removed   INTEGER NOT NULL DEFAULT 0,
    clicks          INTEGER NOT NULL DEFAULT 0, -- rows that were taken out of files
    counts          INTEGER NOT NULL DEFAULT 0  -- rows of the database
) STRICT;
CREATE INDEX erasures_by_advertiser ON erasures (advertiser_id, erasure);
