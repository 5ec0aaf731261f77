-- How far each partition is archived in the data lake, and the files that hold it. Rows of a former log stay: its files do, too.
CREATE TABLE archive_progress (
    log             int    NOT NULL,
    partition       int    NOT NULL,
    archived_offset bigint NOT NULL,
    clock_ms        bigint NOT NULL,
    PRIMARY KEY (log, partition)
) WITH (fillfactor = 50);

CREATE TABLE lake_files (
    log          int    NOT NULL,
    partition    int    NOT NULL,
    first_offset bigint NOT NULL, -- of the cut that the file is a part of
    end_offset   bigint NOT NULL,
    name         text COLLATE "C" NOT NULL,
    hour         int    NOT NULL, -- UTC, since 1970-01-01T00Z
    rows         int    NOT NULL,
    bytes        bigint NOT NULL,
    sha256       bytea  NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (log, partition, first_offset, name)
);
CREATE INDEX lake_files_by_hour ON lake_files (hour);

-- Records that the log had let go of before they were archived.
CREATE TABLE lake_gaps (
    log          int    NOT NULL,
    partition    int    NOT NULL,
    first_offset bigint NOT NULL,
    end_offset   bigint NOT NULL,
    PRIMARY KEY (log, partition, first_offset)
);
