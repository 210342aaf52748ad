-- The content that an item names; its bytes are kept elsewhere, and go with the item: no two name the same.
ALTER TABLE items ADD COLUMN content BLOB;
CREATE UNIQUE INDEX items_by_content ON items (content) WHERE content IS NOT NULL;
