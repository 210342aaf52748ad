//! Building the index of a field anew, when its declaration changes.

use std::collections::HashMap;

use realnet_core::Result;
use realnet_core::index::{self, NULL_KEY};
use realnet_core::model::Item;
use realnet_core::registry::{FieldRef, TypeRegistry};
use uuid::Uuid;

use super::super::row;
use super::PgTransaction;
use super::entries::UniqueKey;
use super::source::push_rows;
use super::words::next_of;
use crate::field_id::field_id;
use crate::marks::marks;
use crate::row::visibility_number;
use crate::statement::{Bind, Statement};

impl PgTransaction {
    /// Drops the rows of the field and writes those of all items of `types`. No other writer is under way: changing
    /// types keeps them out.
    pub(super) async fn rebuild_index(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
    ) -> Result<()> {
        self.flush().await?;
        let id = field_id(field);
        let drops = ["keys", "unique_keys", "building"].map(|table| {
            let mut statement = Statement::of(format!("DELETE FROM {table} WHERE field = "));
            statement.bind(id.into());
            statement
        });
        self.writer.pipeline(drops.into()).await?;
        let mut last = Uuid::nil();
        let mut holders: HashMap<UniqueKey, Uuid> = HashMap::new();
        while !types.is_empty() {
            let items = self.next_items(registry, types, last).await?;
            let Some(end) = items.last() else { break };
            last = end.id;
            self.write_keys(registry, field, &items, &mut holders).await?;
        }
        Ok(())
    }

    async fn next_items(&mut self, registry: &TypeRegistry, types: &[Uuid], last: Uuid) -> Result<Vec<Item>> {
        let rows = self.writer.rows(next_of(types, last)).await?;
        row::items(registry, &rows)
    }

    pub(super) async fn write_keys(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        items: &[Item],
        holders: &mut HashMap<UniqueKey, Uuid>,
    ) -> Result<()> {
        let id = field_id(field);
        let (mut keys, mut unique, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            let entries = index::entries(registry, item)?.keys;
            let marks = marks(&entries);
            for key in entries {
                let of = field_id(&key.field);
                let mut row: Vec<Bind> =
                    vec![of.into(), item.org.into(), key.value.clone().into(), item.id.into()];
                if key.field != *field {
                    row.push(marks.into());
                    others.push(row);
                    continue;
                }
                if key.unique && key.value != NULL_KEY {
                    let place = UniqueKey { org: item.org, field: id, value: key.value };
                    if holders.insert(place, item.id).is_some_and(|holder| holder != item.id) {
                        return Err(index::value_taken(&field.name));
                    }
                    unique.push(row.clone());
                }
                row.extend([i64::from(visibility_number(item.visibility)).into(), marks.into()]);
                keys.push(row);
            }
        }
        let mut statements = Vec::new();
        if !keys.is_empty() {
            let mut statement = Statement::of(
                "INSERT INTO keys (field, org, value, item, visibility, marks) \
                 SELECT field, org, value, item, visibility::smallint, marks FROM ",
            );
            push_rows(&mut statement, "field, org, value, item, visibility, marks", keys);
            // What was written since an index was begun is there already.
            statement.push(" ON CONFLICT DO NOTHING");
            statements.push(statement);
        }
        if !others.is_empty() {
            // The rows of other fields tell of this one's values, too.
            let mut statement = Statement::of("UPDATE keys t SET marks = r.marks FROM ");
            push_rows(&mut statement, "field, org, value, item, marks", others);
            statement.push(
                " WHERE t.field = r.field AND t.org = r.org AND t.value = r.value AND t.item = r.item \
                 AND t.marks <> r.marks",
            );
            statements.push(statement);
        }
        if !unique.is_empty() {
            let mut statement = Statement::of(
                "INSERT INTO unique_keys (field, org, value, item) SELECT field, org, value, item FROM ",
            );
            push_rows(&mut statement, "field, org, value, item", unique);
            statements.push(statement);
        }
        self.writer.pipeline(statements).await.map(drop)
    }
}
