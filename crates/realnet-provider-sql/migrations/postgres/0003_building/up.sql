-- Indexes that are being built: entries of items up to `behind` (their ids) are there, and of all that was written since.
CREATE TABLE building (
    field bigint PRIMARY KEY,
    declared_by uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    behind uuid NOT NULL
);
