//! What steers how a list is read, asked before: which types have items, and bounded counts.

use realnet_core::query::OrgScope;
use realnet_core::{Result, Uuid};

use super::super::error::to_error;
use super::super::moment::first;
use super::super::numbers::Numbers;
use super::super::run::Reader;
use super::List;
use crate::compile::Catalog;
use crate::statement::Statement;

/// Up to so many types each gets a branch of its own without asking which of them have items.
const FEW_TYPES: usize = 4;
/// More branches than this are not worth it.
const MANY_PAIRS: usize = 200;
/// So many pairs of all orgs are gone along to find those of a list.
const MANY_HELD: usize = 1_000;

/// The pairs of org and type that may hold items.
pub(super) struct Pairs<'a> {
    /// Those found; nothing where they are too many.
    pub(super) found: Option<Vec<(Uuid, Uuid)>>,
    pub(super) few: usize,
    pub(super) numbers: &'a Numbers,
}

impl Catalog for Pairs<'_> {
    fn size(&self, statement: &Statement) -> Option<i64> {
        self.numbers.probe(statement)
    }

    fn populated(&self, scope: OrgScope, types: &[Uuid]) -> Option<Vec<(Uuid, Uuid)>> {
        let is_within = |org: &Uuid| scope == OrgScope::All || scope == OrgScope::One(*org);
        let pairs = self.found.as_ref()?.iter();
        Some(pairs.filter(|(org, id)| is_within(org) && types.contains(id)).copied().collect())
    }

    fn few(&self) -> usize {
        self.few
    }
}

impl List<'_> {
    /// Which types have items, of one org or of all, found by hopping along the index from one to the next; nothing where
    /// they are too many.
    pub(super) async fn pairs(&mut self) -> Result<Option<Vec<(Uuid, Uuid)>>> {
        let OrgScope::One(org) = self.query.scope else { return self.pairs_of_all().await };
        let of = |types: &[Uuid]| types.iter().map(|id| (org, *id)).collect();
        if self.query.types.len() <= FEW_TYPES {
            return Ok(Some(of(&self.query.types)));
        }
        let mut statement = Statement::of(
            "WITH RECURSIVE hop (type) AS (\
             (SELECT type FROM items WHERE org = ",
        );
        statement
            .bind(org.into())
            .push(" ORDER BY type LIMIT 1) UNION ALL SELECT (SELECT n.type FROM items n WHERE n.org = ");
        statement.bind(org.into()).push(
            " AND n.type > hop.type ORDER BY n.type LIMIT 1) FROM hop WHERE hop.type IS NOT NULL) \
             SELECT type FROM hop WHERE type IS NOT NULL",
        );
        let rows = self.moment.rows(statement).await?;
        let mut present = Vec::with_capacity(rows.len());
        for row in &rows {
            present.push(Reader::new(row).next::<Uuid>().map_err(to_error)?);
        }
        present.retain(|id| self.query.types.contains(id));
        Ok((present.len() <= MANY_PAIRS).then(|| of(&present)))
    }

    /// As [`Self::pairs`], of all orgs: without them a list of a rare type would look at the items of all others.
    async fn pairs_of_all(&mut self) -> Result<Option<Vec<(Uuid, Uuid)>>> {
        let types = &self.query.types;
        let (sql, most) = if types.len() <= FEW_TYPES {
            let most = MANY_PAIRS / types.len();
            (
                "WITH RECURSIVE hop (org) AS ((SELECT org FROM items ORDER BY org LIMIT 1) \
              UNION ALL SELECT n.org FROM hop CROSS JOIN LATERAL \
              (SELECT x.org FROM items x WHERE x.org > hop.org ORDER BY x.org LIMIT 1) n) \
              SELECT org, NULL::uuid FROM hop LIMIT ",
                most,
            )
        } else {
            (
                "WITH RECURSIVE hop (org, type) AS ((SELECT org, type FROM items ORDER BY org, type LIMIT 1) \
              UNION ALL SELECT n.org, n.type FROM hop CROSS JOIN LATERAL (SELECT x.org, x.type FROM items x \
              WHERE (x.org, x.type) > (hop.org, hop.type) ORDER BY x.org, x.type LIMIT 1) n) \
              SELECT org, type FROM hop LIMIT ",
                MANY_HELD,
            )
        };
        let rows = self.moment.rows(Statement::of(format!("{sql}{}", most + 1))).await?;
        if rows.len() > most {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        for row in &rows {
            let mut reader = Reader::new(row);
            let org: Uuid = reader.next().map_err(to_error)?;
            match reader.next::<Option<Uuid>>().map_err(to_error)? {
                Some(held) => pairs.extend(types.contains(&held).then_some((org, held))),
                None => pairs.extend(types.iter().map(|id| (org, *id))),
            }
        }
        Ok((pairs.len() <= MANY_PAIRS).then_some(pairs))
    }

    /// Runs the probes that have not been run lately, in one round trip.
    pub(super) async fn probe(&mut self, probes: &[Statement]) -> Result<Vec<i64>> {
        let shared = &self.store.shared;
        let known: Vec<Option<i64>> = probes.iter().map(|probe| shared.numbers.probe(probe)).collect();
        let new: Vec<&Statement> =
            probes.iter().zip(&known).filter(|(_, count)| count.is_none()).map(|(probe, _)| probe).collect();
        if new.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let answers = self.moment.ask(new.iter().map(|probe| shared.shapes.sort((*probe).clone()))).await?;
        let mut counts = answers.iter().zip(new).map(|(rows, probe)| -> Result<i64> {
            let count = first(rows)?;
            shared.numbers.set_probe(probe.clone(), count);
            Ok(count)
        });
        known.into_iter().map(|count| count.map_or_else(|| counts.next().unwrap_or(Ok(0)), Ok)).collect()
    }
}
