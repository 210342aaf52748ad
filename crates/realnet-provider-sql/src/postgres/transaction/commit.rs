//! Applying a change set: the engine of the core on a transaction, tried again when another one was in the way.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::change::{self, ChangeSet, Operation, Outcome};
use realnet_core::index::value_taken;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::{Error, Result};
use uuid::Uuid;

use super::super::error::{is_duplicate, is_lost_connection, is_race, to_error};
use super::super::run::{Column, Reader};
use super::super::shared::Shared;
use super::flush::Batch;
use super::group::{self, Verdict};
use super::{PgTransaction, any, bytes, id_taken};
use crate::statement::Statement;

/// How often a change set that lost a race (a deadlock, say) is tried.
const ATTEMPTS: u32 = 5;

/// What a commit leaves to do.
#[derive(Debug, Clone, Copy, Default)]
struct Effects {
    logged: bool,
    types: bool,
}

/// Change sets of more operations go by themselves.
const FEW: usize = 16;

/// So do those that write more bytes.
const SMALL: usize = 1 << 17;

/// Applies a change set atomically and durably, or not at all.
pub(in super::super) async fn commit(
    shared: &Arc<Shared>,
    access: &Access,
    changes: &ChangeSet,
) -> Result<Vec<Outcome>> {
    let mut attempt = 1;
    let mut may_share = changes.operations.len() <= FEW;
    loop {
        let mut transaction = PgTransaction::new(shared, &access.registry, changes.next_registry.as_ref());
        let error = match transaction.apply(access, changes, may_share).await {
            Ok(None) => {
                may_share = false;
                continue;
            }
            Ok(Some((outcomes, effects))) => {
                drop(transaction);
                if effects.logged {
                    shared.wake_sequencer();
                }
                if effects.types {
                    shared.look_at_types().await;
                }
                return Ok(outcomes);
            }
            Err(error) => error,
        };
        transaction.writer.roll_back(&error).await;
        let lost = is_lost_connection(&error) && !transaction.writer.has_written();
        if attempt < ATTEMPTS && (is_race(&error) || lost) {
            drop(transaction);
            tracing::debug!(attempt, error = %error.report(), "a change set is tried again");
            tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt))).await;
            attempt += 1;
            continue;
        }
        if is_duplicate(&error) {
            return Err(transaction.name_duplicate(changes, error).await);
        }
        return Err(error);
    }
}

impl PgTransaction {
    /// The outcomes; none when the change set has to be tried again by itself, since others have been in the way.
    async fn apply(
        &mut self,
        access: &Access,
        changes: &ChangeSet,
        may_share: bool,
    ) -> Result<Option<(Vec<Outcome>, Effects)>> {
        self.prefetch(changes).await?;
        let outcomes = change::apply(self, access, changes).await?;
        let batch = self.take_batch()?;
        let bytes = bytes_of(&outcomes);
        if may_share && self.is_alone() && is_small(bytes, &batch) {
            // Whatever goes wrong from here on, it may have happened.
            self.writer.set_written();
            match group::write(self.writer.shared(), batch, bytes, self.registry.revision()).await {
                Verdict::Kept => {}
                Verdict::Refused => return Ok(None),
                Verdict::Failed(error) => return Err(error),
            }
        } else {
            let statements = self.with_others(batch);
            self.writer.finish(statements).await?;
        }
        Ok(Some((outcomes, Effects { logged: self.logs, types: self.writes_types })))
    }

    /// Whether it has read nothing, and writes nothing but items and their changes.
    fn is_alone(&self) -> bool {
        self.writer.is_fresh() && self.others.is_empty() && !self.raise_types
    }

    /// Says which value is taken, by looking who has those that the change set wanted.
    async fn name_duplicate(&mut self, changes: &ChangeSet, error: Error) -> Error {
        match self.find_duplicate(changes).await {
            Ok(Some((item, field))) => {
                let found = field.as_deref().map_or_else(id_taken, value_taken);
                match changes.operations.iter().position(|operation| touches(operation, item)) {
                    Some(index) => found.at_operation(index),
                    None => found,
                }
            }
            Ok(None) | Err(_) => error,
        }
    }

    /// The item whose id or unique value is taken; the name of the field for a value.
    async fn find_duplicate(&mut self, changes: &ChangeSet) -> Result<Option<(Uuid, Option<String>)>> {
        let created: Vec<Uuid> = changes
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Create(item) => Some(item.id),
                _ => None,
            })
            .collect();
        let mut statement = Statement::of("SELECT id FROM items WHERE ");
        any("id", &created, &mut statement);
        if let Some(id) = self.first::<Uuid>(statement).await? {
            return Ok(Some((id, None)));
        }
        let mut statement =
            Statement::of("SELECT field, org, value, item FROM unique_keys WHERE value = ANY(");
        statement.bind(bytes(self.claims.keys().map(|key| key.value.clone()).collect())).push(")");
        let rows = self.writer.alone(statement).await?;
        for row in &rows {
            let mut reader = Reader::new(row);
            let key = super::entries::UniqueKey {
                field: reader.next().map_err(to_error)?,
                org: reader.next().map_err(to_error)?,
                value: reader.next().map_err(to_error)?,
            };
            let holder: Uuid = reader.next().map_err(to_error)?;
            if let Some((item, field)) = self.claims.get(&key).filter(|(item, _)| *item != holder) {
                return Ok(Some((*item, Some(field.clone()))));
            }
        }
        Ok(None)
    }

    async fn first<T: Column>(&mut self, statement: Statement) -> Result<Option<T>> {
        let rows = self.writer.alone(statement).await?;
        rows.first().map(|row| Reader::new(row).next().map_err(to_error)).transpose()
    }
}

/// About how much a change set writes that only adds items: each once by itself, and once in its record.
fn bytes_of(outcomes: &[Outcome]) -> usize {
    2 * outcomes.iter().filter_map(Outcome::item).map(Item::size).sum::<usize>()
}

/// Whether what a change set writes may go out with that of others.
fn is_small(bytes: usize, batch: &Batch) -> bool {
    bytes <= SMALL && batch.rows() <= Batch::MOST_TOGETHER && batch.only_adds()
}

fn touches(operation: &Operation, item: Uuid) -> bool {
    match operation {
        Operation::Create(draft) => draft.id == item,
        Operation::Update { id, .. } | Operation::SetGrants { id, .. } | Operation::Delete { id, .. } => {
            *id == item
        }
        _ => false,
    }
}
