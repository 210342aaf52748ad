-- Indexes that are being built: entries of items up to `behind` (their `seq`) are there, and of all that was written since.
CREATE TABLE building (
    field INTEGER PRIMARY KEY,
    declared_by BLOB NOT NULL,
    name TEXT NOT NULL,
    behind INTEGER NOT NULL
) STRICT;
