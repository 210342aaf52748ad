//! Locking reads of a transaction.

use realnet_core::Result;
use realnet_core::index::sort_key;
use realnet_core::model::{FieldKind, Item};
use realnet_core::provider::Reference;
use realnet_core::registry::FieldRef;
use serde_json::Value;
use uuid::Uuid;

use super::super::error::to_error;
use super::super::row::ITEM_COLUMNS;
use super::super::run::{PgRow, Reader};
use super::parts::{BESIDE, SIZE};
use super::slot::Lock;
use super::{PgTransaction, ids};
use crate::field_id::field_id;
use crate::statement::{Array, Bind, Statement};

/// The most ids in one statement.
pub(super) const CHUNK: usize = 5_000;

impl PgTransaction {
    /// Items by id, held with `lock`. Only those that are not known yet are asked for.
    pub(super) async fn load(&mut self, wanted: &[Uuid], lock: Lock) -> Result<Vec<Item>> {
        let missing = self.slots.missing(wanted, lock);
        for chunk in missing.chunks(CHUNK) {
            let rows = self.writer.rows(by_ids(chunk, lock)).await?;
            let items = self.read_all(&rows)?;
            self.slots.fetched(chunk, items, lock);
        }
        let mut wanted = wanted.to_vec();
        wanted.sort();
        wanted.dedup();
        Ok(wanted.into_iter().filter_map(|id| self.slots.current(id).cloned()).collect())
    }

    /// Walks the items that are known, and asks for the rest of the way.
    pub(super) async fn load_ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
        if self.slots.moved {
            self.flush().await?;
        }
        let mut chain = Vec::new();
        let mut place = id;
        while chain.len() < limit {
            let Some(item) = self.slots.current(place) else {
                let known = match self.chains.get(&place) {
                    Some(known) => known.clone(),
                    None => self.ask_ancestors(place, limit).await?,
                };
                chain.extend(known);
                break;
            };
            let Some(parent) = item.parent_id else { break };
            chain.push(parent);
            place = parent;
        }
        chain.truncate(limit);
        Ok(chain)
    }

    async fn ask_ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
        let rows = self.writer.rows(ancestors_of(&[id], limit)).await?;
        self.note_chains(&[id], &rows)?;
        Ok(self.chains.get(&id).cloned().unwrap_or_default())
    }

    /// Keeps the answer of [`ancestors_of`] for `asked`.
    pub(super) fn note_chains(&mut self, asked: &[Uuid], rows: &[PgRow]) -> Result<()> {
        for id in asked {
            self.chains.insert(*id, Vec::new());
        }
        for row in rows {
            let mut reader = Reader::new(row);
            let (start, ancestor) = (reader.next(), reader.next());
            let (start, ancestor): (Uuid, Uuid) = (start.map_err(to_error)?, ancestor.map_err(to_error)?);
            self.chains.entry(start).or_default().push(ancestor);
        }
        Ok(())
    }

    /// Which items refer to some others, and how large they are. They are neither locked nor kept.
    pub(super) async fn load_referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>> {
        self.flush().await?;
        let mut found: Vec<Reference> = Vec::new();
        for chunk in targets.chunks(CHUNK) {
            let keys = chunk.iter().map(|id| sort_key(&Value::String(id.to_string()), FieldKind::Reference));
            let mut statement = Statement::of(format!(
                "SELECT i.id, {SIZE} FROM keys k JOIN items i ON i.id = k.item WHERE k.field = "
            ));
            statement.bind(field_id(field).into()).push(" AND k.org = ").bind(org.into());
            statement.push(" AND k.value = ANY(").bind(Bind::Array(Array::Bytes(keys.collect())));
            statement.push(") LIMIT ").bind(((limit - found.len()) as i64).into());
            for row in &self.writer.rows(statement).await? {
                let mut reader = Reader::new(row);
                let item = reader.next().map_err(to_error)?;
                let size: i64 = reader.next().map_err(to_error)?;
                found.push(Reference { item, size: usize::try_from(size).unwrap_or_default() + BESIDE });
            }
        }
        Ok(found)
    }
}

/// Items by id. The order is the same for everybody, so that two who lock the same items do not wait for each other.
pub(super) fn by_ids(wanted: &[Uuid], lock: Lock) -> Statement {
    let mut statement = Statement::of(format!("SELECT {ITEM_COLUMNS} FROM items i WHERE i.id = "));
    match wanted {
        [id] => statement.bind((*id).into()),
        many => statement.push("ANY(").bind(ids(many)).push(") ORDER BY i.id"),
    };
    statement.push(match lock {
        Lock::Share => " FOR SHARE",
        Lock::Update => " FOR UPDATE",
    });
    statement
}

/// The ancestors of items, nearest first: (item, ancestor).
pub(in super::super) fn ancestors_of(of: &[Uuid], limit: usize) -> Statement {
    let mut statement = Statement::of(
        "WITH RECURSIVE up (start, id, depth) AS (\
         SELECT i.id, i.parent, 1 FROM items i WHERE i.parent IS NOT NULL AND i.id = ANY(",
    );
    statement.bind(ids(of)).push(format!(
        ") UNION ALL SELECT up.start, i.parent, up.depth + 1 FROM up JOIN items i ON i.id = up.id \
         WHERE i.parent IS NOT NULL AND up.depth < {limit}) SELECT start, id FROM up ORDER BY start, depth"
    ));
    statement
}
