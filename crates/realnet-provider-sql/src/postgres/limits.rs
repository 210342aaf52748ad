//! The store as a provider of limits: buckets stand in a table that all servers share, and go by the database's clock.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::limit::{Allowance, Bucket, Rate, TOKEN, bucket_key};
use realnet_core::provider::LimitProvider;
use realnet_core::{Error, Result};

use super::PostgresStore;
use super::run::Reader;
use crate::access::Fields as _;
use crate::statement::{Bind, Statement};

/// Takes tokens by the rule of [`Bucket::take`], on whole numbers as there. The row's lock makes takers wait for each other;
/// whoever has waited finds `at` later than the moment at which it began, which gives it nothing.
const TAKE: [&str; 5] = [
    "WITH ask AS MATERIALIZED (SELECT ",
    "::text AS name, ",
    "::bigint AS cost, ",
    "::bigint AS full_units, ",
    "::bigint AS per, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now)
     INSERT INTO buckets AS b (name, spent, at, full_at, allowed)
     SELECT name, CASE WHEN cost <= full_units THEN cost ELSE 0 END, now, now + per, cost <= full_units FROM ask
     ON CONFLICT (name) DO UPDATE SET (spent, at, full_at, allowed) = (
         SELECT CASE WHEN fits AND cost > 0 THEN missing + cost ELSE b.spent END,
             CASE WHEN fits AND cost > 0 THEN greatest(b.at, now) ELSE b.at END,
             CASE WHEN fits AND cost > 0 THEN greatest(b.at, now) + per ELSE b.full_at END,
             fits
         FROM (
             SELECT ask.*, missing, missing + cost <= full_units AS fits FROM ask, LATERAL (
                 SELECT greatest(0, least(b.spent, full_units)
                     - div(least(greatest(now - b.at, 0), per)::numeric * full_units, per)::bigint) AS missing
             ) AS filled
         ) AS asked
     )
     RETURNING b.spent, b.at, b.allowed, (SELECT now FROM ask)",
];

#[async_trait]
impl LimitProvider for PostgresStore {
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, _now: Timestamp) -> Result<Allowance> {
        let binds: [Bind; 4] = [
            bucket_key(bucket).into_owned().into(),
            (i64::from(cost) * TOKEN).into(),
            rate.units().into(),
            rate.per_micros().into(),
        ];
        let mut statement = Statement::new();
        for (index, part) in TAKE.into_iter().enumerate() {
            statement.push(part);
            if let Some(bind) = binds.get(index) {
                statement.bind(bind.clone());
            }
        }
        let rows = self.shared.write(statement).await?;
        let row = rows.first().ok_or_else(|| Error::internal("a bucket was neither there nor made"))?;
        let mut row = Reader::new(row);
        let bucket = Bucket { spent: row.integer()?, at: row.moment()? };
        let allowed = row.boolean()?;
        Ok(bucket.allowance(rate, cost, allowed, row.moment()?))
    }

    async fn refund(&self, bucket: &str, cost: u32) -> Result<()> {
        let mut statement = Statement::of("UPDATE buckets SET spent = greatest(0, spent - ");
        statement.bind((i64::from(cost) * TOKEN).into()).push(") WHERE name = ");
        statement.bind(bucket_key(bucket).into_owned().into());
        self.shared.write(statement).await.map(drop)
    }

    async fn forget(&self, bucket: &str) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM buckets WHERE name = ");
        statement.bind(bucket_key(bucket).into_owned().into());
        self.shared.write(statement).await.map(drop)
    }
}
