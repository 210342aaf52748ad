-- The tables of a store. Times are microseconds since 1970; text compares by bytes, as everywhere in RealNet.

CREATE TABLE items (
    id uuid PRIMARY KEY,
    org uuid NOT NULL,
    type uuid NOT NULL,
    instance text COLLATE "C",
    name text COLLATE "C" NOT NULL,
    -- Canonical JSON as it is answered; looked into by filters only.
    attributes text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C" NOT NULL,
    status text COLLATE "C",
    -- 0 visible, 1 hidden, 2 restricted.
    visibility smallint NOT NULL,
    -- GeoJSON, and the box around it in degrees.
    location text COLLATE "C",
    bounds box,
    valid_from bigint,
    valid_to bigint,
    parent uuid,
    linked uuid,
    owner uuid,
    public boolean NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    -- The grants on the item as JSON, so that reading one item needs no second table.
    grants text COLLATE "C",
    -- The words to find it by; items with more words than a tsvector holds have them in `words` instead.
    search tsvector NOT NULL,
    words text[] COLLATE "C"
);
CREATE INDEX items_by_type ON items (org, type, id) INCLUDE (visibility);
CREATE INDEX items_by_name ON items (org, type, name, id);
CREATE INDEX items_by_update ON items (org, type, updated_at, id);
CREATE INDEX items_by_parent ON items (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX items_by_bounds ON items USING gist (bounds) WHERE bounds IS NOT NULL;
CREATE INDEX items_by_word ON items USING gin (search);
CREATE INDEX items_by_words ON items USING gin (words) WHERE words IS NOT NULL;
CREATE INDEX items_by_tag ON items USING gin (tags) WHERE tags <> '{}';

-- Who may do what with an item: its grants, its owner (all permissions), and everybody when it is public (read).
CREATE TABLE grants (
    org uuid NOT NULL,
    principal bytea NOT NULL,
    type uuid NOT NULL,
    item uuid NOT NULL,
    perms smallint NOT NULL,
    PRIMARY KEY (org, principal, type, item)
);

-- Sortable values of indexed and unique fields and of references. `field` is a hash of the topmost type that declares
-- the field and its name. The item's visibility stands here too, so that rows are counted without a look at the items.
CREATE TABLE keys (
    field bigint NOT NULL,
    org uuid NOT NULL,
    value bytea NOT NULL,
    item uuid NOT NULL,
    visibility smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (field, org, value, item) INCLUDE (visibility)
);

CREATE TABLE unique_keys (
    field bigint NOT NULL,
    org uuid NOT NULL,
    value bytea NOT NULL,
    item uuid NOT NULL,
    PRIMARY KEY (field, org, value)
);

-- The change log. A row is written without a revision; the sequencer gives it one after it is committed.
CREATE TABLE changes (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    org uuid NOT NULL,
    revision bigint,
    item uuid NOT NULL,
    type uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    before text COLLATE "C",
    after text COLLATE "C",
    actor uuid,
    at bigint NOT NULL,
    request text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX changes_by_revision ON changes (org, revision) WHERE revision IS NOT NULL;
CREATE INDEX changes_by_item ON changes (item, version);
CREATE INDEX changes_unstamped ON changes (seq) WHERE revision IS NULL;

-- The last revision that each org's log has reached.
CREATE TABLE revisions (
    org uuid PRIMARY KEY,
    revision bigint NOT NULL
);

CREATE TABLE credentials (
    account uuid PRIMARY KEY,
    password_hash text COLLATE "C",
    epoch bigint NOT NULL
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    epoch bigint NOT NULL,
    refresh_hash bytea NOT NULL,
    previous_hash bytea,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE settings (
    key text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- Replies kept under idempotency keys. The nil account stands for callers that are not signed in.
CREATE TABLE replies (
    account uuid NOT NULL,
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL,
    reply bytea NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (account, scope, key)
);
CREATE INDEX replies_by_age ON replies (created_at);

-- What was applied from which document. The nil org stands for the system layer.
CREATE TABLE sources (
    org uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    object uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    applied text COLLATE "C" NOT NULL,
    PRIMARY KEY (org, kind, object)
);

-- Type definitions as JSON.
CREATE TABLE types (
    id uuid PRIMARY KEY,
    definition text COLLATE "C" NOT NULL
);

-- Grants that orgs have set on types and instances. `instance` is in lower case, empty for the type itself.
CREATE TABLE type_grants (
    org uuid NOT NULL,
    type uuid NOT NULL,
    instance text COLLATE "C" NOT NULL,
    grants text COLLATE "C" NOT NULL,
    PRIMARY KEY (org, type, instance)
);

-- One row: rises with every change of types.
CREATE TABLE type_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint NOT NULL
);
INSERT INTO type_revision (revision) VALUES (0);

-- Ends the statement with a name that the store understands.
CREATE FUNCTION refuse(reason text) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'realnet: %', reason;
END $$;

-- Lets a writer pass whose registry is of the present revision, and keeps types from changing until it ends.
-- Its own statements see what was committed while it waited for the lock, which the calling statement does not.
CREATE FUNCTION check_types(expected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(8243101811308065794);
    IF (SELECT revision FROM type_revision) <> expected THEN
        RAISE EXCEPTION 'realnet: types';
    END IF;
END $$;
