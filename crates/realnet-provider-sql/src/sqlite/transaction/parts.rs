//! Reading children and heirs inside a change set, of which there may be any number, in parts that are no burden.

use std::collections::HashSet;
use std::ops::ControlFlow;

use realnet_core::model::Item;
use realnet_core::provider::{ChildrenOf, Part};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use super::read::CHUNK;
use crate::dialect::Dialect as _;
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::ITEM_COLUMNS;
use crate::statement::Statement;

/// A part in the making.
struct Filling {
    part: Part,
    bytes: usize,
    limit: usize,
}

impl Filling {
    fn up_to(limit: usize) -> Self {
        Self { part: Part::default(), bytes: 0, limit }
    }

    /// One more than there is room for, which tells that there is more.
    fn left(&self) -> i64 {
        (self.limit - self.part.items.len()) as i64 + 1
    }

    fn add(&mut self, item: Item) -> ControlFlow<()> {
        let items = &mut self.part.items;
        self.bytes += item.size();
        if items.len() == self.limit || (self.bytes > Part::BYTES && !items.is_empty()) {
            self.part.has_more = true;
            return ControlFlow::Break(());
        }
        items.push(item);
        ControlFlow::Continue(())
    }
}

impl SqliteTransaction<'_> {
    pub(super) fn read_children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part> {
        let mut filling = Filling::up_to(limit);
        let mut behind = of.behind;
        for parents in of.parents.chunks(CHUNK) {
            let with_children = self.with_children(parents)?;
            for parent in parents {
                let behind = std::mem::take(&mut behind);
                if !with_children.contains(parent) {
                    continue;
                }
                let mut statement = Statement::of("SELECT ");
                statement.push(ITEM_COLUMNS).push(", i.seq FROM items i INDEXED BY items_by_parent");
                statement.push(" WHERE i.parent = ").bind((*parent).into());
                statement.push(" AND i.id > ").bind(behind.into());
                if let Some(types) = of.types {
                    statement.push(" AND ");
                    SqliteDialect.ids_in("i.type", types, &mut statement);
                }
                self.fill(&mut filling, statement)?;
                if filling.part.has_more {
                    return Ok(filling.part);
                }
            }
        }
        Ok(filling.part)
    }

    /// Those of some items that have children: most have none, and are then passed over together.
    fn with_children(&mut self, parents: &[Uuid]) -> Result<HashSet<Uuid>> {
        let [.., last] = parents else { return Ok(HashSet::new()) };
        let mut statement = Statement::of("SELECT v.column1 FROM (VALUES ");
        for index in 0..parents.len().next_power_of_two() {
            statement.push(if index > 0 { ",(" } else { "(" });
            statement.bind((*parents.get(index).unwrap_or(last)).into()).push(")");
        }
        statement.push(") v WHERE EXISTS (SELECT 1 FROM items i WHERE i.parent = v.column1)");
        Ok(self.connection.rows(&statement, |row| row.id(0))?.into_iter().collect())
    }

    /// Items of some types where they or their parents have grants, by type and org: the indexes of items begin with the org.
    pub(super) fn read_heirs(&mut self, types: &[Uuid], behind: Option<&Item>, limit: usize) -> Result<Part> {
        let mut places: Vec<(Uuid, Uuid)> = Vec::new();
        for type_id in types {
            let orgs = self.shared.holders(*type_id);
            places.extend(orgs.into_iter().map(|org| (*type_id, org)));
        }
        places.sort_unstable();
        let mut filling = Filling::up_to(limit);
        for (type_id, org) in places {
            let behind_here = match behind {
                Some(last) if (type_id, org) < (last.type_id, last.org) => continue,
                Some(last) if (type_id, org) == (last.type_id, last.org) => last.id,
                _ => Uuid::nil(),
            };
            let mut statement = Statement::of("SELECT ");
            statement.push(ITEM_COLUMNS).push(", i.seq FROM items i INDEXED BY items_by_type ");
            statement.push("CROSS JOIN items p ON p.id = i.parent WHERE i.org = ").bind(org.into());
            statement.push(" AND i.type = ").bind(type_id.into());
            statement.push(" AND i.id > ").bind(behind_here.into());
            statement.push(" AND (p.grants IS NOT NULL OR i.grants IS NOT NULL)");
            self.fill(&mut filling, statement)?;
            if filling.part.has_more {
                break;
            }
        }
        Ok(filling.part)
    }

    /// Reads what a statement finds, by id, until the part is full.
    fn fill(&mut self, filling: &mut Filling, mut statement: Statement) -> Result<()> {
        statement.push(" ORDER BY i.id LIMIT ").bind(filling.left().into());
        self.each_row(&statement, |_, item| Ok(filling.add(item)))
    }
}
