//! Locking reads of children and heirs, of which there may be any number, in parts that are no burden: first it is asked which
//! are next and how large they are, then as many are loaded as fit.

use std::collections::HashMap;

use realnet_core::model::Item;
use realnet_core::provider::{ChildrenOf, Part};
use realnet_core::{Error, Result};
use uuid::Uuid;

use super::super::error::to_error;
use super::super::run::Reader;
use super::slot::Lock;
use super::{PgTransaction, ids};
use crate::statement::Statement;

/// So many parents are asked for together: the ids of all their next children are sorted.
const PARENTS: usize = 50;
/// How often it is asked again when all that was next has been taken elsewhere meanwhile.
const ATTEMPTS: usize = 10;

/// The size of an item in SQL, about; known without reading what is large. What else it has is [`BESIDE`].
pub(super) const SIZE: &str =
    "(octet_length(i.attributes) + octet_length(i.name) + coalesce(octet_length(i.grants), 0))::bigint";
pub(super) const BESIDE: usize = 1024;

/// An item that is next: its parent and its size.
struct Next {
    id: Uuid,
    parent: Option<Uuid>,
    size: usize,
}

impl PgTransaction {
    /// The next children, by parent and id: two who delete the same tree lock it in the same order.
    pub(super) async fn load_children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part> {
        if self.slots.has_dirty_below(of.parents) {
            self.flush().await?;
        }
        let mut part = Part::default();
        let mut bytes = 0;
        for (index, parents) in of.parents.chunks(PARENTS).enumerate() {
            let behind = if index == 0 { of.behind } else { Uuid::nil() };
            let more = self.next_children(parents, of.types, behind, limit - part.items.len()).await?;
            bytes += more.items.iter().map(Item::size).sum::<usize>();
            part.items.extend(more.items);
            let is_last = (index + 1) * PARENTS >= of.parents.len();
            part.has_more = more.has_more || !is_last;
            if more.has_more || part.items.len() >= limit || bytes > Part::BYTES / 2 {
                return Ok(part);
            }
        }
        part.has_more = false;
        Ok(part)
    }

    async fn next_children(
        &mut self,
        parents: &[Uuid],
        types: Option<&[Uuid]>,
        behind: Uuid,
        limit: usize,
    ) -> Result<Part> {
        for _ in 0..ATTEMPTS {
            let next = self.ask_next(children_of(parents, types, behind, limit)).await?;
            let (part, is_empty) = self.load_next(&next, limit).await?;
            // What has been moved away meanwhile is not there the next time.
            if !part.items.is_empty() || is_empty {
                return Ok(part);
            }
        }
        Err(Error::unavailable("the items below are being moved: try again"))
    }

    /// The next items of some types where they or their parents have grants. Who changes types keeps all other writers out.
    pub(super) async fn load_heirs(
        &mut self,
        types: &[Uuid],
        behind: Option<&Item>,
        limit: usize,
    ) -> Result<Part> {
        self.flush().await?;
        let mut statement = Statement::of(format!(
            "SELECT i.id, i.parent, {SIZE} FROM items i JOIN items p ON p.id = i.parent WHERE i.type = ANY("
        ));
        statement.bind(ids(types)).push(") AND (p.grants IS NOT NULL OR i.grants IS NOT NULL) AND i.id > ");
        statement.bind(behind.map_or_else(Uuid::nil, |item| item.id).into());
        statement.push(" ORDER BY i.id LIMIT ").bind((limit as i64).into());
        let next = self.ask_next(statement).await?;
        Ok(self.load_next(&next, limit).await?.0)
    }

    async fn ask_next(&mut self, statement: Statement) -> Result<Vec<Next>> {
        let rows = self.writer.rows(statement).await?;
        let next = rows.iter().map(|row| {
            let mut reader = Reader::new(row);
            let id = reader.next().map_err(to_error)?;
            let parent = reader.next().map_err(to_error)?;
            let size: i64 = reader.next().map_err(to_error)?;
            Ok(Next { id, parent, size: usize::try_from(size).unwrap_or_default() + BESIDE })
        });
        next.collect()
    }

    /// Loads as many as fit, of those that still stand where they stood; and whether there was none to be loaded.
    async fn load_next(&mut self, next: &[Next], limit: usize) -> Result<(Part, bool)> {
        let fitting = &next[..Part::fitting(next.iter().map(|next| next.size))];
        let has_more = fitting.len() < next.len() || next.len() >= limit;
        let wanted: Vec<Uuid> = fitting.iter().map(|next| next.id).collect();
        let loaded = self.load(&wanted, Lock::Update).await?;
        let mut loaded: HashMap<Uuid, Item> = loaded.into_iter().map(|item| (item.id, item)).collect();
        let stays = |next: &Next| loaded.remove(&next.id).filter(|item| item.parent_id == next.parent);
        Ok((Part { items: fitting.iter().filter_map(stays).collect(), has_more }, next.is_empty()))
    }
}

/// The next children of some parents, in the order of these.
fn children_of(parents: &[Uuid], types: Option<&[Uuid]>, behind: Uuid, limit: usize) -> Statement {
    let mut statement =
        Statement::of(format!("SELECT i.id, i.parent, {SIZE} FROM (SELECT p.place, c.id FROM unnest("));
    // Of each parent along the index, from where it is to go on.
    statement.bind(ids(parents)).push(
        ") WITH ORDINALITY AS p (id, place) CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.parent = p.id \
         AND i.id > CASE WHEN p.place = 1 THEN ",
    );
    statement.bind(behind.into()).push(" ELSE '00000000-0000-0000-0000-000000000000'::uuid END");
    if let Some(types) = types {
        statement.push(" AND i.type = ANY(").bind(ids(types)).push(")");
    }
    statement.push(" ORDER BY i.id LIMIT ").bind((limit as i64).into());
    statement.push(") c ORDER BY p.place, c.id LIMIT ").bind((limit as i64).into());
    statement.push(") n JOIN items i ON i.id = n.id ORDER BY n.place, n.id");
    statement
}
