ALTER TABLE changes DROP COLUMN origin;
DROP TABLE events;
DROP TABLE records;
ALTER TABLE sessions DROP COLUMN agent;
ALTER TABLE sessions DROP COLUMN address;
ALTER TABLE sessions DROP COLUMN factor;
ALTER TABLE sessions DROP COLUMN method;
ALTER TABLE sessions DROP COLUMN used_at;
