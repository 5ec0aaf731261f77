-- Every cut of the archive, also those without a click: a chain from the archive's begin to its progress. hour_rows says how many clicks it has of which UTC hour
-- ("hour:rows hour:rows"), so that a file that is missing in lake_files is missed.
CREATE TABLE lake_cuts (
    log            INTEGER NOT NULL,
    partition      INTEGER NOT NULL,
    first_offset   INTEGER NOT NULL,
    end_offset     INTEGER NOT NULL,
    begin_clock_ms INTEGER NOT NULL, -- partition clock before and after it
    end_clock_ms   INTEGER NOT NULL,
    hour_rows      TEXT    NOT NULL,
    is_lost        INTEGER NOT NULL,
    PRIMARY KEY (log, partition, first_offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX lake_cuts_by_clock ON lake_cuts (end_clock_ms);
CREATE INDEX lake_cuts_lost ON lake_cuts (log, partition) WHERE is_lost = 1;

-- What was archived before there were cuts on record is one cut. Where it did not begin with the log, its clock is not known: nothing before its end is proven.
INSERT INTO lake_cuts
SELECT progress.log, progress.partition, coalesce(files.first_offset, gaps.first_offset, 0), archived_offset,
    CASE WHEN coalesce(files.first_offset, gaps.first_offset, 0) = 0 THEN 0 ELSE clock_ms END, clock_ms, coalesce(files.hour_rows, ''), gaps.log IS NOT NULL
FROM archive_progress AS progress
LEFT JOIN (
    SELECT log, partition, min(first_offset) AS first_offset, group_concat(hour || ':' || hour_rows, ' ') AS hour_rows
    FROM (
        SELECT log, partition, hour, min(first_offset) AS first_offset, sum("rows") AS hour_rows FROM lake_files WHERE name LIKE 'clicks/%' GROUP BY log, partition, hour)
    GROUP BY log, partition) AS files ON files.log = progress.log AND files.partition = progress.partition
LEFT JOIN (SELECT log, partition, min(first_offset) AS first_offset FROM lake_gaps GROUP BY log, partition) AS gaps
    ON gaps.log = progress.log AND gaps.partition = progress.partition
WHERE archived_offset > 0;

-- From which offset on a partition judged by which allowed lateness. Without a row: by that of its progress.
CREATE TABLE counting_terms (
    log                 INTEGER NOT NULL,
    partition           INTEGER NOT NULL,
    from_offset         INTEGER NOT NULL,
    allowed_lateness_ms INTEGER NOT NULL,
    PRIMARY KEY (log, partition, from_offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation_runs (
    run            INTEGER PRIMARY KEY,
    kind           INTEGER NOT NULL, -- 0 by the clock, 1 asked for, 2 other rules
    requested_by   TEXT    NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    finished_at_ms INTEGER NOT NULL,
    first_hour     INTEGER NOT NULL, -- UTC, since 1970-01-01T00Z
    end_hour       INTEGER NOT NULL,
    state          INTEGER NOT NULL, -- 0 match, 1 mismatch, 2 unproven
    reason         TEXT    NOT NULL, -- why it is unproven
    rules          TEXT    NOT NULL, -- other rules than those of the counting
    cells          INTEGER NOT NULL, -- (ad, minute, outcome) compared
    clicks         INTEGER NOT NULL, -- re-counted
    mismatches     INTEGER NOT NULL, -- cells
    settled        INTEGER NOT NULL, -- late clicks that were accepted
    files          INTEGER NOT NULL  -- read and found as they were written
) STRICT;

CREATE TABLE reconciliation_offsets (
    run          INTEGER NOT NULL,
    log          INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    end_offset   INTEGER NOT NULL,
    PRIMARY KEY (run, log, partition)
) STRICT, WITHOUT ROWID;

-- The files of the run's own hours; those that it read for the hours around them are counted in the run. A file with a problem stands here in any case.
CREATE TABLE reconciliation_files (
    run     INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    hour    INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    sha256  BLOB    NOT NULL,
    problem TEXT    NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- The last word on each hour.
CREATE TABLE reconciliation_hours (
    hour       INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    is_stale   INTEGER NOT NULL, -- a late click has come since
    is_settled INTEGER NOT NULL, -- late clicks were looked at
    has_rules  INTEGER NOT NULL
) STRICT;

-- Where a run came to another number than the streamed one, or settled late clicks. What stands in minute_cells and late_clicks stays as it is: answers add
-- (recounted - streamed + settled) of the current ones.
CREATE TABLE corrections (
    run        INTEGER NOT NULL,
    ad         INTEGER NOT NULL,
    minute     INTEGER NOT NULL,
    outcome    INTEGER NOT NULL,
    streamed   INTEGER NOT NULL,
    recounted  INTEGER NOT NULL,
    settled    INTEGER NOT NULL,
    is_current INTEGER NOT NULL,
    PRIMARY KEY (run, ad, minute, outcome)
) STRICT, WITHOUT ROWID;
CREATE INDEX corrections_by_ad ON corrections (ad, minute) WHERE is_current = 1;
CREATE INDEX corrections_by_minute ON corrections (minute, ad) WHERE is_current = 1;
