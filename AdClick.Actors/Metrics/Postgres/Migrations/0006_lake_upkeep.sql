-- What is done to the lake beside archiving. One at a time is at it: whoever holds the turn (docs/decisions/0018-lake-upkeep.md).
CREATE TABLE lake_upkeep (
    id         int    PRIMARY KEY CHECK (id = 1),
    first_hour int    NOT NULL, -- files of UTC hours before it are no longer kept
    turn       bigint NOT NULL, -- number of the newest turn
    until_ms   bigint NOT NULL  -- when it ends
);
INSERT INTO lake_upkeep VALUES (1, 0, 0, 0);

-- Files that lake_files does not name, or no longer, and that may lie in the lake all the same.
CREATE TABLE lake_removals (
    log       int  NOT NULL,
    partition int  NOT NULL,
    name      text COLLATE "C" NOT NULL,
    PRIMARY KEY (log, partition, name)
);

-- Requests to delete what is kept of an advertiser's clicks, done and to be done.
CREATE TABLE erasures (
    erasure         int    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    advertiser_id   text COLLATE "C" NOT NULL,
    requested_by    text   NOT NULL, -- name of the API key
    requested_at_ms bigint NOT NULL, -- clicks before it are erased
    ended_at_ms     bigint,
    files_rewritten bigint NOT NULL DEFAULT 0,
    files_removed   bigint NOT NULL DEFAULT 0,
    clicks          bigint NOT NULL DEFAULT 0, -- rows that were taken out of files
    counts          bigint NOT NULL DEFAULT 0  -- rows of the database
);
CREATE INDEX erasures_by_advertiser ON erasures (advertiser_id, erasure);
