DROP FUNCTION check_types(bigint);
DROP FUNCTION refuse(text);
DROP TABLE type_revision, type_grants, types, sources, replies, settings, sessions, credentials, revisions, changes,
    unique_keys, keys, grants, items;
