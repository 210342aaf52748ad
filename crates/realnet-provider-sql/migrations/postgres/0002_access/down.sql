ALTER TABLE changes DROP COLUMN origin;
DROP TABLE buckets, events, records;
ALTER TABLE sessions
    DROP COLUMN agent,
    DROP COLUMN address,
    DROP COLUMN factor,
    DROP COLUMN method,
    DROP COLUMN used_at;
