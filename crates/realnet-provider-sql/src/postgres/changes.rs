//! Reading the change log. Only changes with a revision are shown; a reader waits shortly for those that have been
//! committed before it came and have none yet.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::Error as DieselError;
use realnet_core::change::{ChangeFilter, ChangeKind, ChangeRecord};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::Budget;
use realnet_core::query::Query;
use realnet_core::{Error, Result, Uuid};
use tokio::time::Instant;

use super::error::to_error;
use super::row::stored;
use super::run::{PgRow, Reader};
use super::shared::Shared;
use crate::access::changes;
use crate::statement::Statement;

/// The columns that [`record`] reads.
pub(super) const COLUMNS: &str =
    "revision, org, item, type, kind, version, before, after, actor, at, request, origin, passed_down";

/// How long a reader waits for the sequencer at most, and between two looks.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(25);

/// Whose changes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    Org(Uuid),
    Item(Uuid),
}

impl Scope {
    fn push(self, statement: &mut Statement) {
        match self {
            Self::Org(id) => statement.push("org = ").bind(id.into()),
            Self::Item(id) => statement.push("item = ").bind(id.into()),
        };
    }
}

/// Changes of an org behind a revision, in order.
pub(super) async fn since(shared: &Shared, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
    settle(shared, Scope::Org(org)).await?;
    let mut statement = Statement::of(format!("SELECT {COLUMNS} FROM changes WHERE org = "));
    statement.bind(org.into()).push(" AND revision > ").bind(since.into());
    statement.push(" AND revision IS NOT NULL ORDER BY revision LIMIT ").bind((limit as i64).into());
    records(&shared.read(page(statement, "revision")).await?)
}

/// Changes of an item below a version, newest first.
pub(super) async fn of_item(
    shared: &Shared,
    (id, org): (Uuid, Uuid),
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<ChangeRecord>> {
    settle(shared, Scope::Item(id)).await?;
    let mut statement = Statement::of(format!("SELECT {COLUMNS} FROM changes WHERE item = "));
    statement.bind(id.into()).push(" AND version < ").bind(before.unwrap_or(i64::MAX).into());
    // An item that had this id before, and was deleted, is another one.
    statement
        .push(" AND org = ")
        .bind(org.into())
        .push(" AND seq >= coalesce((SELECT max(b.seq) FROM changes b WHERE b.kind = 'create' AND b.version = 1 AND b.item = ");
    statement.bind(id.into()).push(" AND b.org = ").bind(org.into()).push("), 0)");
    statement.push(" AND revision IS NOT NULL ORDER BY version DESC, revision DESC LIMIT ");
    statement.bind((limit as i64).into());
    records(&shared.read(page(statement, "version DESC, revision DESC")).await?)
}

/// The first rows of a statement in this order, as many as one answer may hold in bytes. The length of a stored text is known
/// without reading it, so what is left out is not read.
fn page(rows: Statement, order: &str) -> Statement {
    let mut statement = Statement::of(format!(
        "SELECT {COLUMNS} FROM (SELECT *, sum(coalesce(octet_length(before), 0) + coalesce(octet_length(after), 0) \
         + coalesce(octet_length(passed_down), 0)) OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING) AS bytes, row_number() OVER (ORDER BY {order}) AS place FROM ("
    ));
    statement.append(rows);
    statement.push(") c) c WHERE place = 1 OR bytes <= ").bind((Query::MAX_PAGE_BYTES as i64).into());
    statement.push(" ORDER BY place");
    statement
}

/// Changes of an org within a span of revisions, newest first.
pub(super) async fn within(
    shared: &Shared,
    org: Uuid,
    span: &Range<i64>,
    filter: &ChangeFilter,
    limit: usize,
) -> Result<Vec<ChangeRecord>> {
    settle(shared, Scope::Org(org)).await?;
    let mut statement = Statement::of(format!("SELECT {COLUMNS} FROM changes c WHERE "));
    changes::push_within(&mut statement, org, span, filter);
    statement.push(" LIMIT ").bind((limit as i64).into());
    records(&shared.read(page(statement, "revision DESC")).await?)
}

/// Waits until what is committed now has its revisions, if the sequencer is at work.
async fn settle(shared: &Shared, scope: Scope) -> Result<()> {
    let mut stamps = shared.stamps.subscribe();
    let mut statement = Statement::of("SELECT max(seq) FROM changes WHERE revision IS NULL AND ");
    scope.push(&mut statement);
    let Some(newest) = first::<Option<i64>>(&shared.read(statement).await?)? else { return Ok(()) };
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        shared.wake_sequencer();
        // Other replicas' sequencers are heard of through the database, which may fail.
        let _ = tokio::time::timeout(LOOK, stamps.changed()).await;
        let mut statement = Statement::of("SELECT EXISTS (SELECT 1 FROM changes WHERE revision IS NULL AND ");
        scope.push(&mut statement);
        statement.push(" AND seq <= ").bind(newest.into()).push(")");
        if !first::<bool>(&shared.read(statement).await?)? {
            return Ok(());
        }
    }
    Ok(())
}

fn first<T: super::run::Column>(rows: &[PgRow]) -> Result<T> {
    let row = rows.first().ok_or(DieselError::NotFound).map_err(to_error)?;
    Reader::new(row).next().map_err(to_error)
}

fn records(rows: &[PgRow]) -> Result<Vec<ChangeRecord>> {
    let mut budget = Budget::default();
    let records = rows.iter().map(record);
    // What the database can not count exactly is counted here.
    let fits =
        |record: &Result<ChangeRecord>| record.as_ref().map_or(true, |record| budget.admits(record.size()));
    records.take_while(fits).collect()
}

/// The change of a row of [`COLUMNS`].
pub(super) fn record(row: &PgRow) -> Result<ChangeRecord> {
    let (mut record, kind, texts) = columns(&mut Reader::new(row)).map_err(to_error)?;
    let [before, after, origin, passed_down] = texts;
    record.kind =
        ChangeKind::parse(&kind).ok_or_else(|| Error::internal(format!("a change of the kind {kind}")))?;
    let item = |text: Option<String>| text.map(|text| stored::<Item>(&text, "change")).transpose();
    record.before = item(before)?;
    record.after = item(after)?;
    record.origin = origin.map(|text| stored(&text, "origin")).transpose()?;
    record.passed_down = passed_down.map(|text| stored(&text, "change")).transpose()?;
    Ok(record)
}

type Columns = (ChangeRecord, String, [Option<String>; 4]);

fn columns(reader: &mut Reader<'_>) -> Result<Columns, DieselError> {
    let revision = reader.next()?;
    let org = reader.next()?;
    let item_id = reader.next()?;
    let type_id = reader.next()?;
    let kind: String = reader.next()?;
    let version = reader.next()?;
    let before = reader.next()?;
    let after = reader.next()?;
    let record = ChangeRecord {
        revision,
        org,
        item_id,
        type_id,
        kind: ChangeKind::Update,
        version,
        before: None,
        after: None,
        actor: reader.next()?,
        at: Timestamp::from_micros(reader.next()?),
        request_id: Arc::from(reader.next::<String>()?),
        origin: None,
        passed_down: None,
    };
    Ok((record, kind, [before, after, reader.next()?, reader.next()?]))
}
