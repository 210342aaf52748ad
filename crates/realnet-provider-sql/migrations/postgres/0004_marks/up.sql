-- One bit for each of the indexed values of the item: a walk along one field that filters by another passes over rows without
-- the bit. Rows from before have all bits, which only makes them be looked up.
ALTER TABLE keys ADD COLUMN marks bigint NOT NULL DEFAULT -1;
ALTER TABLE keys DROP CONSTRAINT keys_pkey;
ALTER TABLE keys ADD PRIMARY KEY (field, org, value, item) INCLUDE (visibility, marks);
