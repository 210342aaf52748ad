DROP INDEX items_by_content;
ALTER TABLE items DROP COLUMN content;
