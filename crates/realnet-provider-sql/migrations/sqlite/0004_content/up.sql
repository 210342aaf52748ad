-- The content that an item names; its bytes are kept elsewhere.
ALTER TABLE items ADD COLUMN content BLOB;
CREATE INDEX items_by_content ON items (content) WHERE content IS NOT NULL;
