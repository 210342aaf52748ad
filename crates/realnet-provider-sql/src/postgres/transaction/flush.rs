//! Waiting writes as statements: one for what goes away, one for what is new. Each is a chain of CTEs, so a change set
//! of thousands is a few statements and a single create is one round trip.

use std::collections::{BTreeSet, HashMap};

use realnet_core::Result;
use realnet_core::index::{IndexEntries, value_taken};
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use uuid::Uuid;

use super::super::row::to_json;
use super::entries::{Entries, UniqueKey};
use super::source::{array_literal, push_rows, vector_literal};
use crate::kept_grants::kept_grants;
use crate::row::visibility_number;
use crate::statement::{Bind, Statement};

/// A written item: as it is stored, as it shall be.
pub(super) type Written = (Option<Item>, Option<Item>);

/// More words than this, in bytes, do not fit a tsvector (1 MiB), which leaves room for their separators.
const MAX_VECTOR: usize = 900_000;

/// Rows of changes and items in one statement; bounds its memory on both sides.
const CHUNK: usize = 2_000;

const ITEM_COLUMNS: &str = "id, org, type, instance, name, attributes, tags, status, visibility, location, bounds, \
    valid_from, valid_to, parent, linked, owner, public, version, created_at, updated_at, grants, content, \
    search, words";
const ITEM_VALUES: &str = "r.id, r.org, r.type, r.instance, r.name, r.attributes, r.tags::text[], r.status, \
    r.visibility::smallint, r.location, r.bounds::box, r.valid_from, r.valid_to, r.parent, r.linked, r.owner, \
    r.public, r.version, r.created_at, r.updated_at, r.grants, r.content, r.search::tsvector, \
    r.words::text[]";
const ITEM_ASSIGNMENTS: &str = "instance = r.instance, name = r.name, attributes = r.attributes, \
    tags = r.tags::text[], status = r.status, visibility = r.visibility::smallint, location = r.location, \
    bounds = r.bounds::box, valid_from = r.valid_from, valid_to = r.valid_to, parent = r.parent, \
    linked = r.linked, owner = r.owner, public = r.public, version = r.version, updated_at = r.updated_at, \
    grants = r.grants, content = r.content, search = r.search::tsvector, words = r.words::text[]";
/// Sets what [`search_values`] gives.
pub(super) const SEARCH_ASSIGNMENTS: &str = "search = r.search::tsvector, words = r.words::text[]";
const CHANGE_COLUMNS: &str =
    "org, item, type, kind, version, before, after, actor, at, request, origin, passed_down";

/// The rows of all tables that wait, sorted by what happens to them.
#[derive(Default)]
pub(super) struct Batch {
    insert: Vec<Vec<Bind>>,
    update: Vec<Vec<Bind>>,
    remove: Vec<Uuid>,
    keys: Vec<Vec<Bind>>,
    keys_gone: Vec<Vec<Bind>>,
    unique: Vec<Vec<Bind>>,
    unique_gone: Vec<Vec<Bind>>,
    grants: Vec<Vec<Bind>>,
    grants_gone: Vec<Vec<Bind>>,
    changes: Vec<Vec<Bind>>,
}

/// The unique values that a batch takes: who, and by which field's name.
pub(super) type Claims = HashMap<UniqueKey, (Uuid, String)>;

impl Batch {
    /// So many rows are one statement.
    pub(super) const MOST_TOGETHER: usize = CHUNK;

    /// Sorts written items; answers the unique values that they claim anew. Two claims on one value are a conflict.
    pub(super) fn of(
        previous: &TypeRegistry,
        registry: &TypeRegistry,
        written: Vec<Written>,
    ) -> Result<(Self, Claims)> {
        let (mut batch, mut claims) = (Self::default(), Claims::new());
        for (stored, current) in written {
            let Some(item) = current.as_ref().or(stored.as_ref()) else { continue };
            let before = Entries::before(previous, registry, stored.as_ref())?;
            let after = match &current {
                Some(item) => Entries::of(registry, item)?,
                None => Entries::default(),
            };
            batch.compare(item, &before, &after);
            let claimed = after.unique.iter().filter(|(key, _)| !before.unique.contains_key(*key));
            for ((field, value), name) in claimed {
                let key = UniqueKey { org: item.org, field: *field, value: value.clone() };
                let claim = (item.id, name.name.to_string());
                if let Some((other, _)) = claims.insert(key, claim)
                    && other != item.id
                {
                    return Err(value_taken(&name.name));
                }
            }
            match (&stored, &current) {
                (None, Some(item)) => batch.insert.push(item_row(item, &after.index)?),
                (Some(_), Some(item)) => batch.update.push(item_row(item, &after.index)?),
                (Some(item), None) => batch.remove.push(item.id),
                (None, None) => {}
            }
        }
        Ok((batch, claims))
    }

    /// Adds change records, in their order.
    pub(super) fn set_changes(&mut self, changes: Vec<Vec<Bind>>) {
        self.changes = changes;
    }

    fn compare(&mut self, item: &Item, before: &Entries, after: &Entries) {
        let key = |(field, value): &(i64, Vec<u8>)| -> Vec<Bind> {
            vec![(*field).into(), item.org.into(), value.clone().into(), item.id.into()]
        };
        // Of one field and value there may be two before: by each registry, with other marks. It goes whichever is stored.
        let gone = before.keys.difference(&after.keys).map(|(field, value, ..)| (*field, value.clone()));
        let gone: BTreeSet<(i64, Vec<u8>)> = gone.collect();
        let is_new = |row: &&(i64, Vec<u8>, i64, i64)| {
            !before.keys.contains(*row) || (!gone.is_empty() && gone.contains(&(row.0, row.1.clone())))
        };
        self.keys.extend(after.keys.iter().filter(is_new).map(|row| {
            let mut binds = key(&(row.0, row.1.clone()));
            binds.extend([row.2.into(), row.3.into()]);
            binds
        }));
        self.keys_gone.extend(gone.iter().map(key));
        self.unique.extend(after.unique.keys().filter(|k| !before.unique.contains_key(*k)).map(key));
        self.unique_gone.extend(before.unique.keys().filter(|k| !after.unique.contains_key(*k)).map(key));
        let changed = after.grants.iter().filter(|(subject, bits)| before.grants.get(*subject) != Some(bits));
        self.grants.extend(changed.map(|(subject, bits)| {
            vec![item.org.into(), subject.clone().into(), item.type_id.into(), item.id.into(), (*bits).into()]
        }));
        let gone = before.grants.keys().filter(|subject| !after.grants.contains_key(*subject));
        self.grants_gone.extend(gone.map(|subject| {
            vec![item.org.into(), subject.clone().into(), item.type_id.into(), item.id.into()]
        }));
    }

    /// Whether it only adds items that claim no unique values: nothing of it can stand in the way of others for long.
    pub(super) fn only_adds(&self) -> bool {
        let claims_nothing = self.unique.is_empty();
        claims_nothing && !self.has_goings() && self.update.is_empty() && !self.insert.is_empty()
    }

    /// How many rows it adds to all tables.
    pub(super) fn rows(&self) -> usize {
        self.insert.len() + self.keys.len() + self.grants.len() + self.changes.len()
    }

    /// The statement of one that [only adds](Self::only_adds) at most [`Self::MOST_TOGETHER`] rows.
    pub(super) fn into_addition(mut self, revision: i64) -> Statement {
        self.take_comings(&mut Some(revision))
    }

    /// Adds what another one that [only adds](Self::only_adds) holds.
    pub(super) fn append(&mut self, mut other: Self) {
        self.insert.append(&mut other.insert);
        self.keys.append(&mut other.keys);
        self.grants.append(&mut other.grants);
        self.changes.append(&mut other.changes);
    }

    /// The statements, in order. The first one checks `revision`, the type revision of the writer's registry, if given.
    pub(super) fn statements(mut self, mut revision: Option<i64>) -> Vec<Statement> {
        let mut statements = Vec::new();
        while self.has_goings() {
            statements.push(self.take_goings(&mut revision));
        }
        while self.has_comings() {
            statements.push(self.take_comings(&mut revision));
        }
        statements
    }

    fn has_goings(&self) -> bool {
        !(self.remove.is_empty()
            && self.keys_gone.is_empty()
            && self.unique_gone.is_empty()
            && self.grants_gone.is_empty())
    }

    fn has_comings(&self) -> bool {
        !(self.insert.is_empty()
            && self.update.is_empty()
            && self.keys.is_empty()
            && self.unique.is_empty()
            && self.grants.is_empty()
            && self.changes.is_empty())
    }

    fn take_goings(&mut self, revision: &mut Option<i64>) -> Statement {
        let mut chain = Chain::default();
        let same_key = "t.field = r.field AND t.org = r.org AND t.value = r.value AND t.item = r.item";
        chain.delete("keys", "field, org, value, item", same_key, chunk(&mut self.keys_gone));
        chain.delete("unique_keys", "field, org, value, item", same_key, chunk(&mut self.unique_gone));
        let same_grant =
            "t.org = r.org AND t.principal = r.principal AND t.type = r.type AND t.item = r.item";
        chain.delete("grants", "org, principal, type, item", same_grant, chunk(&mut self.grants_gone));
        let ids = chunk(&mut self.remove);
        if !ids.is_empty() {
            let accounts = ["credentials", "sessions", "records"].map(|table| (table, "account"));
            for (table, column) in [("items", "id")].into_iter().chain(accounts) {
                chain.begin(format!("DELETE FROM {table} WHERE {column} = ANY("));
                chain.statement.bind(super::ids(&ids)).push(")");
                chain.end();
            }
        }
        chain.finish(revision.take())
    }

    fn take_comings(&mut self, revision: &mut Option<i64>) -> Statement {
        let mut chain = Chain::default();
        chain.insert("items", ITEM_COLUMNS, ITEM_VALUES, chunk(&mut self.insert), "");
        let rows = chunk(&mut self.update);
        if !rows.is_empty() {
            chain.begin(format!("UPDATE items t SET {ITEM_ASSIGNMENTS} FROM "));
            push_rows(&mut chain.statement, ITEM_COLUMNS, rows);
            chain.statement.push(" WHERE t.id = r.id");
            chain.end();
        }
        let key = "field, org, value, item";
        chain.insert(
            "keys",
            "field, org, value, item, visibility, marks",
            "field, org, value, item, visibility::smallint, marks",
            chunk(&mut self.keys),
            " ON CONFLICT DO NOTHING",
        );
        chain.insert("unique_keys", key, key, chunk(&mut self.unique), "");
        chain.insert(
            "grants",
            "org, principal, type, item, perms",
            "org, principal, type, item, perms::smallint",
            chunk(&mut self.grants),
            " ON CONFLICT (org, principal, type, item) DO UPDATE SET perms = EXCLUDED.perms",
        );
        // Rows of a source come in its order, and take their numbers so.
        chain.insert("changes", CHANGE_COLUMNS, CHANGE_COLUMNS, chunk(&mut self.changes), "");
        chain.finish(revision.take())
    }
}

/// The next rows to write, at most a chunk.
fn chunk<T>(rows: &mut Vec<T>) -> Vec<T> {
    let rest = rows.split_off(rows.len().min(CHUNK));
    std::mem::replace(rows, rest)
}

/// A statement of CTEs under way.
#[derive(Default)]
struct Chain {
    statement: Statement,
    links: usize,
}

impl Chain {
    fn begin(&mut self, sql: String) {
        self.statement.push(if self.links == 0 { "WITH " } else { ", " });
        self.statement.push(format!("w{} AS (", self.links)).push(sql);
        self.links += 1;
    }

    fn end(&mut self) {
        self.statement.push(")");
    }

    fn insert(
        &mut self,
        table: &'static str,
        columns: &'static str,
        values: &'static str,
        rows: Vec<Vec<Bind>>,
        behind: &'static str,
    ) {
        if rows.is_empty() {
            return;
        }
        self.begin(format!("INSERT INTO {table} ({columns}) SELECT {values} FROM "));
        push_rows(&mut self.statement, columns, rows);
        self.statement.push(behind);
        self.end();
    }

    fn delete(
        &mut self,
        table: &'static str,
        columns: &'static str,
        same: &'static str,
        rows: Vec<Vec<Bind>>,
    ) {
        if rows.is_empty() {
            return;
        }
        self.begin(format!("DELETE FROM {table} t USING "));
        push_rows(&mut self.statement, columns, rows);
        self.statement.push(" WHERE ").push(same);
        self.end();
    }

    fn finish(mut self, revision: Option<i64>) -> Statement {
        match revision {
            Some(revision) => {
                self.statement.push(" SELECT check_types(").bind(revision.into()).push(")::text")
            }
            None => self.statement.push(" SELECT 1"),
        };
        self.statement
    }
}

fn item_row(item: &Item, index: &IndexEntries) -> Result<Vec<Bind>> {
    let location = item.location.as_ref().map(|location| to_json(location, "a location")).transpose()?;
    let grants = kept_grants(item).map(|kept| to_json(&kept, "grants")).transpose()?;
    let bounds = index.bounds.map(|bounds| {
        format!("({},{}),({},{})", bounds.max_lon, bounds.max_lat, bounds.min_lon, bounds.min_lat)
    });
    let [search, words] = search_values(&index.tokens);
    Ok(vec![
        item.id.into(),
        item.org.into(),
        item.type_id.into(),
        item.instance.as_ref().map(ToString::to_string).into(),
        item.name.as_str().into(),
        item.attributes.as_text().into(),
        array_literal(&item.tags).into(),
        item.status.clone().into(),
        i64::from(visibility_number(item.visibility)).into(),
        location.into(),
        bounds.into(),
        item.valid_from.map(realnet_core::clock::Timestamp::as_micros).into(),
        item.valid_to.map(realnet_core::clock::Timestamp::as_micros).into(),
        item.parent_id.into(),
        item.linked_item_id.into(),
        item.owner.into(),
        item.public.into(),
        item.version.into(),
        item.created_at.as_micros().into(),
        item.updated_at.as_micros().into(),
        grants.into(),
        item.content.into(),
        search,
        words,
    ])
}

/// The two columns that words are looked for in: a vector, or a list where they are too many for one.
pub(super) fn search_values(tokens: &[String]) -> [Bind; 2] {
    let is_long = tokens.iter().map(String::len).sum::<usize>() > MAX_VECTOR;
    let words = is_long.then(|| array_literal(tokens));
    let search = if is_long { String::new() } else { vector_literal(tokens) };
    [search.into(), words.into()]
}
