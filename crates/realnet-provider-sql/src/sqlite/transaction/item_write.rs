//! What is written of one item: statements that are ready but for the number of its row.
//!
//! Nothing here looks into the database, so that it can be worked out before the writer is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use realnet_core::index::{IndexEntries, KeyEntry, entries, value_taken};
use realnet_core::model::{Bounds, Item};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};

use super::columns::{all_columns, changed_columns};
use super::index;
use crate::marks::marks;
use crate::principal::grant_rows;
use crate::statement::{Bind, Statement};

/// The place of the row's number among the late values.
pub(super) const SEQ: Bind = Bind::Late(0);

/// Statements that write one item, in the order in which they run. Those that can be refused come first.
pub(in crate::sqlite) struct ItemWrite {
    /// The item.
    pub(super) id: Uuid,
    /// Org and type of an item that is new.
    pub(super) populates: Option<(Uuid, Uuid)>,
    /// Whether its words are noted.
    pub(super) notes_words: bool,
    pub(super) steps: Vec<Step>,
}

/// A statement, and what it means when it changes no row.
pub(super) struct Step {
    pub(super) statement: Statement,
    /// The number of its text, when that is one of many.
    pub(super) shape: Option<u64>,
    pub(super) refusal: Option<Refusal>,
}

/// Why a statement has changed nothing.
pub(super) enum Refusal {
    IdTaken(Uuid),
    ValueTaken(Arc<str>),
    Gone(Uuid),
}

impl Refusal {
    pub(super) fn error(&self) -> Error {
        match self {
            Self::IdTaken(id) => Error::conflict(format!("there is an item {id} already")),
            Self::ValueTaken(name) => value_taken(name),
            Self::Gone(id) => Error::internal(format!("item {id} to be changed is not there")),
        }
    }
}

impl ItemWrite {
    fn of(id: Uuid) -> Self {
        Self { id, populates: None, notes_words: false, steps: Vec::new() }
    }

    /// A new item.
    pub(super) fn insert(registry: &TypeRegistry, item: &Item) -> Result<Self> {
        let entries = entries(registry, item)?;
        let mut write = Self { populates: Some((item.org, item.type_id)), ..Self::of(item.id) };
        write.claim(item, entries.keys.iter().filter(|key| key.unique));
        write.push_or(insert_row(item)?, Refusal::IdTaken(item.id));
        write.insert_grants(item);
        let marks = marks(&entries.keys);
        write.push_all(entries.keys.iter().map(|key| index::insert_key(item, key, marks)));
        if !entries.tokens.is_empty() {
            write.note_words(&entries.tokens);
        }
        write.insert_box(entries.bounds);
        Ok(write)
    }

    /// A changed item: what differs, so that indexes of other columns are left alone.
    pub(super) fn update(registry: &TypeRegistry, before: &Item, after: &Item) -> Result<Self> {
        let mut write = Self::of(after.id);
        let is_indexed_alike = before.attributes == after.attributes
            && before.name == after.name
            && before.visibility == after.visibility
            && before.location == after.location;
        let (old, new) = if is_indexed_alike {
            Default::default()
        } else {
            (entries(registry, before)?, entries(registry, after)?)
        };
        let Difference { gone, come, stay } = Difference::of(&old.keys, &new.keys);
        let marks = marks(&new.keys);
        write.claim(after, come.iter().copied().filter(|key| key.unique));
        write.update_row(before, after)?;
        write.push_all(gone.iter().filter(|key| key.unique).map(|key| index::delete_unique_key(before, key)));
        if grant_rows(before) != grant_rows(after) {
            write.delete_grants(before);
            write.insert_grants(after);
        }
        if before.visibility == after.visibility {
            write.push_all(gone.iter().map(|key| index::delete_key(before, key)));
            write.push_all(come.iter().map(|key| index::insert_key(after, key, marks)));
            if marks != crate::marks::marks(&old.keys) {
                write.push_all(stay.iter().map(|key| index::update_marks(after, key, marks)));
            }
        } else {
            write.push_all(old.keys.iter().map(|key| index::delete_key(before, key)));
            write.push_all(new.keys.iter().map(|key| index::insert_key(after, key, marks)));
        }
        if old.tokens != new.tokens {
            write.note_words(&new.tokens);
        }
        if old.bounds != new.bounds {
            write.push(index::delete_box());
            write.insert_box(new.bounds);
        }
        Ok(write)
    }

    /// An item that goes, with the index rows that it may have.
    pub(super) fn remove(item: &Item, entries: &IndexEntries) -> Self {
        let mut write = Self::of(item.id);
        let mut statement = Statement::of("DELETE FROM items WHERE seq = ");
        statement.bind(SEQ);
        write.push(statement);
        for key in &entries.keys {
            write.push(index::delete_key(item, key));
            if key.unique {
                write.push(index::delete_unique_key(item, key));
            }
        }
        write.delete_grants(item);
        if !entries.tokens.is_empty() {
            write.note_words(&[]);
        }
        if entries.bounds.is_some() {
            write.push(index::delete_box());
        }
        write
    }

    fn push(&mut self, statement: Statement) {
        self.steps.push(Step { statement, shape: None, refusal: None });
    }

    fn push_or(&mut self, statement: Statement, refusal: Refusal) {
        self.steps.push(Step { statement, shape: None, refusal: Some(refusal) });
    }

    fn push_all(&mut self, statements: impl Iterator<Item = Statement>) {
        statements.for_each(|statement| self.push(statement));
    }

    /// Takes unique values. This comes first: then a value that is taken already refuses the item before anything is written.
    fn claim<'k>(&mut self, item: &Item, keys: impl Iterator<Item = &'k KeyEntry>) {
        for key in keys {
            self.push_or(
                index::insert_unique_key(item, key),
                Refusal::ValueTaken(Arc::clone(&key.field.name)),
            );
        }
    }

    fn update_row(&mut self, before: &Item, after: &Item) -> Result<()> {
        let mut statement = Statement::of("UPDATE items SET ");
        for (index, (column, value)) in changed_columns(before, after)?.into_iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.push(column).push(" = ").bind(value);
        }
        statement.push(" WHERE seq = ").bind(SEQ);
        let shape = Some(statement.shape());
        self.steps.push(Step { statement, shape, refusal: Some(Refusal::Gone(after.id)) });
        Ok(())
    }

    fn insert_grants(&mut self, item: &Item) {
        for (principal, permissions) in grant_rows(item) {
            let mut statement =
                Statement::of("INSERT INTO grants (org, principal, type, item, seq, perms) VALUES (");
            statement.bind(item.org.into()).push(", ").bind(principal.into()).push(", ");
            statement.bind(item.type_id.into()).push(", ").bind(item.id.into()).push(", ");
            statement.bind(SEQ).push(", ").bind(i64::from(permissions.bits()).into()).push(")");
            self.push(statement);
        }
    }

    fn delete_grants(&mut self, item: &Item) {
        for principal in grant_rows(item).into_keys() {
            let mut statement = Statement::of("DELETE FROM grants WHERE org = ");
            statement.bind(item.org.into()).push(" AND principal = ").bind(principal.into());
            statement.push(" AND type = ").bind(item.type_id.into());
            statement.push(" AND item = ").bind(item.id.into());
            self.push(statement);
        }
    }

    fn note_words(&mut self, tokens: &[String]) {
        self.notes_words = true;
        self.push(index::note_words(tokens));
    }

    fn insert_box(&mut self, bounds: Option<Bounds>) {
        if let Some(bounds) = bounds {
            self.push(index::insert_box(bounds));
        }
    }
}

fn insert_row(item: &Item) -> Result<Statement> {
    let mut statement = Statement::of(
        "INSERT INTO items (seq, id, org, type, created_at, instance, name, attributes, tags, status, visibility, \
         location, valid_from, valid_to, parent, linked, owner, public, version, updated_at, grants, \
         content) VALUES (",
    );
    statement.bind(SEQ);
    for value in [item.id.into(), item.org.into(), item.type_id.into(), item.created_at.as_micros().into()] {
        statement.push(", ").bind(value);
    }
    for (_, value) in all_columns(item)? {
        statement.push(", ").bind(value);
    }
    statement.push(") ON CONFLICT (id) DO NOTHING");
    Ok(statement)
}

/// How the keys of an item change.
struct Difference<'k> {
    gone: Vec<&'k KeyEntry>,
    come: Vec<&'k KeyEntry>,
    stay: Vec<&'k KeyEntry>,
}

impl<'k> Difference<'k> {
    fn of(old: &'k [KeyEntry], new: &'k [KeyEntry]) -> Self {
        let (before, after): (BTreeSet<&KeyEntry>, BTreeSet<&KeyEntry>) =
            (old.iter().collect(), new.iter().collect());
        Self {
            gone: before.difference(&after).copied().collect(),
            come: after.difference(&before).copied().collect(),
            stay: after.intersection(&before).copied().collect(),
        }
    }
}
