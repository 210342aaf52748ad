//! The sequencer: gives committed changes consecutive revisions, per org, in the order in which they were inserted.
//!
//! A transaction inserts its changes without a revision, after it has locked its rows. A change that depends on another
//! (of the same item, or made after the other was answered) is therefore inserted later, and whenever it is visible,
//! the other is too. Only visible rows get revisions, and only one session of a database gives them (it holds an
//! advisory lock, which the server releases when the session ends). So revisions have no gaps, a row that commits late
//! gets a later revision instead of appearing behind a reader's back, and the order is one that happened.

use diesel_async::AsyncPgConnection;
use realnet_core::Result;

use super::super::run::Run as _;
use crate::statement::{Bind, Statement};

/// The most changes in one go.
pub(super) const BATCH: i64 = 2_000;

/// Gives revisions to the oldest waiting changes; answers to how many. `channel` is told when there were any.
///
/// Rows are found again by `ctid`: nobody else changes them, and they need no index on `seq` that way.
pub(super) async fn stamp(connection: &AsyncPgConnection, channel: &str) -> Result<i64> {
    let mut statement = Statement::of(format!(
        "WITH waiting AS MATERIALIZED (
             SELECT ctid AS place, org, row_number() OVER (PARTITION BY org ORDER BY seq) AS number
             FROM (SELECT ctid, org, seq FROM changes WHERE revision IS NULL ORDER BY seq LIMIT {BATCH}) w
         ), counted AS (
             SELECT org, count(*) AS many FROM waiting GROUP BY org
         ), raised AS (
             INSERT INTO revisions AS r (org, revision) SELECT org, many FROM counted
             ON CONFLICT (org) DO UPDATE SET revision = r.revision + EXCLUDED.revision
             RETURNING org, revision
         ), stamped AS (
             UPDATE changes c SET revision = raised.revision - counted.many + waiting.number
             FROM waiting JOIN counted USING (org) JOIN raised USING (org)
             WHERE c.ctid = waiting.place
             RETURNING 1
         )
         SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify("
    ));
    statement.bind(Bind::from(channel)).push(", '')::text END FROM stamped");
    connection.one(statement).await
}
