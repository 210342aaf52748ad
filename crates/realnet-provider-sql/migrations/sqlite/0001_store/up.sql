-- The tables of a store. Times are microseconds since 1970; ids are 16 bytes; text compares by bytes.

CREATE TABLE items (
    -- By this number other tables find the row; it rises with every insertion.
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    org BLOB NOT NULL,
    type BLOB NOT NULL,
    instance TEXT,
    name TEXT NOT NULL,
    -- Canonical JSON as it is answered; looked into by filters only.
    attributes TEXT NOT NULL,
    -- A JSON list; absent when empty.
    tags TEXT,
    status TEXT,
    -- 0 visible, 1 hidden, 2 restricted.
    visibility INTEGER NOT NULL,
    -- GeoJSON.
    location TEXT,
    valid_from INTEGER,
    valid_to INTEGER,
    parent BLOB,
    linked BLOB,
    owner BLOB,
    public INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- The grants on the item as JSON, so that reading one item needs no second table; absent when there are none.
    grants TEXT
) STRICT;
CREATE UNIQUE INDEX items_by_id ON items (id);
CREATE INDEX items_by_type ON items (org, type, id, visibility);
CREATE INDEX items_by_name ON items (org, type, name, id);
CREATE INDEX items_by_update ON items (org, type, updated_at, id);
CREATE INDEX items_by_parent ON items (parent, id) WHERE parent IS NOT NULL;

-- Who may do what with an item: its grants, its owner (all permissions), and everybody when it is public (read).
CREATE TABLE grants (
    org BLOB NOT NULL,
    principal BLOB NOT NULL,
    type BLOB NOT NULL,
    item BLOB NOT NULL,
    seq INTEGER NOT NULL,
    perms INTEGER NOT NULL,
    PRIMARY KEY (org, principal, type, item)
) STRICT, WITHOUT ROWID;

-- Sortable values of indexed and unique fields and of references. The columns behind the key are copies from the
-- item, so that counting and checking access need not read it. `marks` has one bit for each of the item's indexed
-- values: a walk along one field that filters by another passes over rows without the bit.
CREATE TABLE keys (
    field INTEGER NOT NULL,
    org BLOB NOT NULL,
    value BLOB NOT NULL,
    item BLOB NOT NULL,
    seq INTEGER NOT NULL,
    type BLOB NOT NULL,
    visibility INTEGER NOT NULL,
    marks INTEGER NOT NULL,
    PRIMARY KEY (field, org, value, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE unique_keys (
    field INTEGER NOT NULL,
    org BLOB NOT NULL,
    value BLOB NOT NULL,
    item BLOB NOT NULL,
    PRIMARY KEY (field, org, value)
) STRICT, WITHOUT ROWID;

-- The words of each item. The core makes the tokens; this index only keeps them, so it must not change them.
CREATE VIRTUAL TABLE words USING fts5(
    tokens, content='', contentless_delete=1, detail=none, tokenize="ascii"
);

-- Items whose words have changed since they were last written to the index above, which is slow to write one by one:
-- what stands here counts instead of what stands there. Each word stands between two spaces; no words: delete.
CREATE TABLE new_words (
    seq INTEGER PRIMARY KEY,
    tokens TEXT
) STRICT;

-- The box around each item's location, in degrees.
CREATE VIRTUAL TABLE boxes USING rtree(seq, min_lon, max_lon, min_lat, max_lat);

-- The change log: revisions are consecutive per org, in the order of commits.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    org BLOB NOT NULL,
    revision INTEGER NOT NULL,
    item BLOB NOT NULL,
    type BLOB NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    before TEXT,
    after TEXT,
    actor BLOB,
    at INTEGER NOT NULL,
    request TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX changes_by_revision ON changes (org, revision);
CREATE INDEX changes_by_item ON changes (item, version);

-- The last revision that each org's log has reached.
CREATE TABLE revisions (
    org BLOB PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An account without a password has a row when its tokens were made void.
CREATE TABLE credentials (
    account BLOB PRIMARY KEY,
    password_hash TEXT,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    refresh_hash BLOB NOT NULL,
    previous_hash BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Replies kept under idempotency keys. The nil account stands for callers that are not signed in.
CREATE TABLE replies (
    account BLOB NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    reply BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX replies_by_age ON replies (created_at);

-- What was applied from which document. The nil org stands for the system layer.
CREATE TABLE sources (
    org BLOB NOT NULL,
    kind TEXT NOT NULL,
    object BLOB NOT NULL,
    source TEXT NOT NULL,
    applied TEXT NOT NULL,
    PRIMARY KEY (org, kind, object)
) STRICT, WITHOUT ROWID;

-- Type definitions as JSON.
CREATE TABLE types (
    id BLOB PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Grants that orgs have set on types and instances. `instance` is in lower case, empty for the type itself.
CREATE TABLE type_grants (
    org BLOB NOT NULL,
    type BLOB NOT NULL,
    instance TEXT NOT NULL,
    grants TEXT NOT NULL,
    PRIMARY KEY (org, type, instance)
) STRICT, WITHOUT ROWID;

-- One row: rises with every change set that changes types.
CREATE TABLE type_revision (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO type_revision (only_row, revision) VALUES (1, 0);
