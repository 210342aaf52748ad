ALTER TABLE keys DROP CONSTRAINT keys_pkey;
ALTER TABLE keys ADD PRIMARY KEY (field, org, value, item) INCLUDE (visibility);
ALTER TABLE keys DROP COLUMN marks;
