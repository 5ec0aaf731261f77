-- Every cut of the archive, also those without a click: a chain from the archive's begin to its progress. hour_rows says how many clicks it has of which UTC hour
-- ("hour:rows hour:rows"), so that a file that is missing in lake_files is missed.
CREATE TABLE lake_cuts (
    log            int     NOT NULL,
    partition      int     NOT NULL,
    first_offset   bigint  NOT NULL,
    end_offset     bigint  NOT NULL,
    begin_clock_ms bigint  NOT NULL, -- partition clock before and after it
    end_clock_ms   bigint  NOT NULL,
    hour_rows      text    NOT NULL,
    is_lost        boolean NOT NULL,
    PRIMARY KEY (log, partition, first_offset)
);
CREATE INDEX lake_cuts_by_clock ON lake_cuts (end_clock_ms);
CREATE INDEX lake_cuts_lost ON lake_cuts (log, partition) WHERE is_lost;

-- What was archived before there were cuts on record is one cut. Where it did not begin with the log, its clock is not known: nothing before its end is proven.
INSERT INTO lake_cuts
SELECT progress.log, progress.partition, coalesce(files.first_offset, gaps.first_offset, 0), archived_offset,
    CASE WHEN coalesce(files.first_offset, gaps.first_offset, 0) = 0 THEN 0 ELSE clock_ms END, clock_ms, coalesce(files.hour_rows, ''), gaps.log IS NOT NULL
FROM archive_progress AS progress
LEFT JOIN (
    SELECT log, partition, min(first_offset) AS first_offset, string_agg(hour || ':' || hour_rows, ' ') AS hour_rows
    FROM (
        SELECT log, partition, hour, min(first_offset) AS first_offset, sum(rows) AS hour_rows FROM lake_files WHERE name LIKE 'clicks/%' GROUP BY log, partition, hour) AS by_hour
    GROUP BY log, partition) AS files ON files.log = progress.log AND files.partition = progress.partition
LEFT JOIN (SELECT log, partition, min(first_offset) AS first_offset FROM lake_gaps GROUP BY log, partition) AS gaps
    ON gaps.log = progress.log AND gaps.partition = progress.partition
WHERE archived_offset > 0;

-- From which offset on a partition judged by which allowed lateness. Without a row: by that of its progress.
CREATE TABLE counting_terms (
    log                 int    NOT NULL,
    partition           int    NOT NULL,
    from_offset         bigint NOT NULL,
    allowed_lateness_ms bigint NOT NULL,
    PRIMARY KEY (log, partition, from_offset)
);

CREATE TABLE reconciliation_runs (
    run            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           smallint NOT NULL, -- 0 by the clock, 1 asked for, 2 other rules
    requested_by   text     NOT NULL,
    started_at_ms  bigint   NOT NULL,
    finished_at_ms bigint   NOT NULL,
    first_hour     int      NOT NULL, -- UTC, since 1970-01-01T00Z
    end_hour       int      NOT NULL,
    state          smallint NOT NULL, -- 0 match, 1 mismatch, 2 unproven
    reason         text     NOT NULL, -- why it is unproven
    rules          text     NOT NULL, -- other rules than those of the counting
    cells          bigint   NOT NULL, -- (ad, minute, outcome) compared
    clicks         bigint   NOT NULL, -- re-counted
    mismatches     bigint   NOT NULL, -- cells
    settled        bigint   NOT NULL, -- late clicks that were accepted
    files          int      NOT NULL  -- read and found as they were written
);

CREATE TABLE reconciliation_offsets (
    run          bigint NOT NULL,
    log          int    NOT NULL,
    partition    int    NOT NULL,
    first_offset bigint NOT NULL,
    end_offset   bigint NOT NULL,
    PRIMARY KEY (run, log, partition)
);

-- The files of the run's own hours; those that it read for the hours around them are counted in the run. A file with a problem stands here in any case.
CREATE TABLE reconciliation_files (
    run     bigint NOT NULL,
    name    text COLLATE "C" NOT NULL,
    hour    int    NOT NULL,
    bytes   bigint NOT NULL,
    sha256  bytea  NOT NULL,
    problem text   NOT NULL,
    PRIMARY KEY (run, name)
);

-- The last word on each hour.
CREATE TABLE reconciliation_hours (
    hour       int      PRIMARY KEY,
    run        bigint   NOT NULL,
    state      smallint NOT NULL,
    is_stale   boolean  NOT NULL, -- a late click has come since
    is_settled boolean  NOT NULL, -- late clicks were looked at
    has_rules  boolean  NOT NULL
);

-- Where a run came to another number than the streamed one, or settled late clicks. What stands in click_minute and late_clicks stays as it is: answers add
-- (recounted - streamed + settled) of the current ones.
CREATE TABLE corrections (
    run        bigint   NOT NULL,
    ad         int      NOT NULL,
    minute     int      NOT NULL,
    outcome    smallint NOT NULL,
    streamed   bigint   NOT NULL,
    recounted  bigint   NOT NULL,
    settled    bigint   NOT NULL,
    is_current boolean  NOT NULL,
    PRIMARY KEY (run, ad, minute, outcome)
);
CREATE INDEX corrections_by_ad ON corrections (ad, minute) WHERE is_current;
CREATE INDEX corrections_by_minute ON corrections (minute, ad) WHERE is_current;
