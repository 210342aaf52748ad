-- What signing in stands on, and where changes come from.

-- From where and how a session was opened. Sessions of before are taken as opened by password.
ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN factor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN agent TEXT;
UPDATE sessions SET used_at = created_at;

-- Keys, second factors, tokens sent by mail, challenges, failed attempts. What a value says is known to the program only.
CREATE TABLE records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    account BLOB,
    org BLOB,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_account ON records (account, kind, created_at, key) WHERE account IS NOT NULL;
CREATE INDEX records_by_org ON records (org, kind, key) WHERE org IS NOT NULL;
CREATE INDEX records_by_end ON records (expires_at) WHERE expires_at IS NOT NULL;

-- Events of signing in. Ids are in the order of time. `origin` and `detail` are JSON.
CREATE TABLE events (
    id BLOB PRIMARY KEY,
    org BLOB NOT NULL,
    account BLOB,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_org ON events (org, id);
CREATE INDEX events_by_account ON events (org, account, id) WHERE account IS NOT NULL;
CREATE INDEX events_by_kind ON events (org, kind, id);

-- Where the request of a change came from, as JSON.
ALTER TABLE changes ADD COLUMN origin TEXT;
