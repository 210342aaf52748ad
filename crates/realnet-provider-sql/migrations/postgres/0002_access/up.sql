-- What signing in stands on, and where changes come from.

-- From where and how a session was opened. Sessions of before are taken as opened by password.
ALTER TABLE sessions
    ADD COLUMN used_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN method text COLLATE "C" NOT NULL DEFAULT 'password',
    ADD COLUMN factor boolean NOT NULL DEFAULT false,
    ADD COLUMN address text COLLATE "C",
    ADD COLUMN agent text COLLATE "C";
UPDATE sessions SET used_at = created_at;

-- Keys, second factors, tokens sent by mail, challenges, failed attempts. What a value says is known to the program only.
CREATE TABLE records (
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    account uuid,
    org uuid,
    value bytea NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    PRIMARY KEY (kind, key)
);
CREATE INDEX records_by_account ON records (account, kind, created_at, key) WHERE account IS NOT NULL;
CREATE INDEX records_by_org ON records (org, kind, key) WHERE org IS NOT NULL;
CREATE INDEX records_by_end ON records (expires_at) WHERE expires_at IS NOT NULL;

-- Events of signing in. Ids are in the order of time. `origin` and `detail` are JSON.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    org uuid NOT NULL,
    account uuid,
    kind text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    detail text COLLATE "C" NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX events_by_org ON events (org, id);
CREATE INDEX events_by_account ON events (org, account, id) WHERE account IS NOT NULL;
CREATE INDEX events_by_kind ON events (org, kind, id);

-- Buckets of tokens that limit how often something is done: what is missing, in millionths of a token, as of `at`, and
-- whether the last who asked was allowed. They change all the time and may be lost, so they are not logged; room is left
-- in the pages, so that a change needs no new place in the index. From `full_at` on a bucket is full.
CREATE UNLOGGED TABLE buckets (
    name text COLLATE "C" PRIMARY KEY,
    spent bigint NOT NULL,
    at bigint NOT NULL,
    full_at bigint NOT NULL,
    allowed boolean NOT NULL
) WITH (fillfactor = 50);

-- Where the request of a change came from, as JSON.
ALTER TABLE changes ADD COLUMN origin text COLLATE "C";
