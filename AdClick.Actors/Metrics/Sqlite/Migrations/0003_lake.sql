-- How far each partition is archived in the data lake, and the files that hold it. Rows of a former log stay: its files do, too.
CREATE TABLE archive_progress (
    log             INTEGER NOT NULL,
    partition       INTEGER NOT NULL,
    archived_offset INTEGER NOT NULL,
    clock_ms        INTEGER NOT NULL,
    PRIMARY KEY (log, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE lake_files (
    log          INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    first_offset INTEGER NOT NULL, -- of the cut that the file is a part of
    end_offset   INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    hour         INTEGER NOT NULL, -- UTC, since 1970-01-01T00Z
    "rows"       INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (log, partition, first_offset, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX lake_files_by_hour ON lake_files (hour);

-- Records that the log had let go of before they were archived.
CREATE TABLE lake_gaps (
    log          INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    end_offset   INTEGER NOT NULL,
    PRIMARY KEY (log, partition, first_offset)
) STRICT, WITHOUT ROWID;
