//! What readers and the writer of a store share: connections, what is known of the data, small caches.

use std::collections::{HashMap, HashSet, hash_map::DefaultHasher};
use std::hash::{Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use realnet_core::query::OrgScope;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Result, Uuid};

use super::connection::Connection;
use super::pool::Pool;
use crate::compile::Catalog;
use crate::statement::{Piece, Statement};

/// For so long an old probe serves: it only steers the choice of a plan.
const PROBE_AGE: Duration = Duration::from_secs(2);
/// So many numbers are remembered.
const MAX_NUMBERS: usize = 1024;
/// Beyond so many pairs of org and type a list walks over all items instead.
const MAX_PAIRS: usize = 400;

/// Shared by all parts of a store.
pub(super) struct Shared {
    pub(super) pool: Pool,
    /// The types of transactions that have not been told of any.
    pub(super) no_types: Arc<TypeRegistry>,
    few: usize,
    /// Rises after every commit, before it is answered.
    version: AtomicU64,
    /// Which types have had items since the start, by org.
    populated: RwLock<HashMap<Uuid, HashSet<Uuid>>>,
    totals: Mutex<Numbers<u64>>,
    probes: Mutex<Numbers<Instant>>,
    /// The last revision of types; receivers are told of each new one.
    pub(super) type_revision: tokio::sync::watch::Sender<i64>,
}

/// Numbers that statements gave, each with what it is valid for.
type Numbers<V> = HashMap<u64, (Statement, V, i64)>;

impl Shared {
    pub(super) fn new(pool: Pool, few: usize) -> Self {
        Self {
            pool,
            no_types: Arc::default(),
            few,
            version: AtomicU64::new(0),
            populated: RwLock::default(),
            totals: Mutex::default(),
            probes: Mutex::default(),
            type_revision: tokio::sync::watch::Sender::new(0),
        }
    }

    /// Reads what is known of the data from the store.
    pub(super) fn load(&self, connection: &mut Connection) -> Result<()> {
        // Jumps from one pair to the next, so that it costs by pairs and not by items.
        let pairs = Statement::of(
            "WITH RECURSIVE pair(org, type) AS (SELECT * FROM (SELECT org, type FROM items ORDER BY org, type LIMIT 1) \
             UNION ALL SELECT n.org, n.type FROM pair p, items n WHERE n.seq = (SELECT i.seq FROM items i \
             WHERE (i.org, i.type) > (p.org, p.type) ORDER BY i.org, i.type LIMIT 1)) SELECT org, type FROM pair",
        );
        let mut populated = self.populated.write();
        connection.each(&pairs, |row| {
            populated.entry(row.id(0)?).or_default().insert(row.id(1)?);
            Ok(ControlFlow::Continue(()))
        })?;
        let revision = connection.number(&Statement::of("SELECT revision FROM type_revision"))?;
        self.type_revision.send_replace(revision);
        Ok(())
    }

    /// Notes that there are (or will be) items of a type.
    pub(super) fn populate(&self, org: Uuid, type_id: Uuid) {
        if self.populated.read().get(&org).is_some_and(|types| types.contains(&type_id)) {
            return;
        }
        self.populated.write().entry(org).or_default().insert(type_id);
    }

    /// Whether any org has, or had since the start, items of a type.
    pub(super) fn has_ever_held(&self, type_id: Uuid) -> bool {
        self.populated.read().values().any(|types| types.contains(&type_id))
    }

    /// The number of the last commit: whoever reads after this has seen it.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Says that a commit has been made: totals counted before are no longer valid.
    pub(super) fn committed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// A total, if it was counted since the last commit.
    pub(super) fn known_total(&self, statement: &Statement) -> Option<i64> {
        let version = self.version.load(Ordering::Acquire);
        let totals = self.totals.lock();
        totals
            .get(&fingerprint(statement))
            .filter(|(other, valid, _)| *valid == version && other == statement)
            .map(|(.., total)| *total)
    }

    /// Counts, or remembers.
    pub(super) fn total(&self, connection: &mut Connection, statement: Statement) -> Result<i64> {
        if let Some(total) = self.known_total(&statement) {
            return Ok(total);
        }
        // A commit in between makes the number newer than it says, never older.
        let version = self.version.load(Ordering::Acquire);
        connection.admit(&statement);
        let total = connection.number(&statement)?;
        remember(&mut self.totals.lock(), statement, version, total);
        Ok(total)
    }

    /// A bounded count that steers a choice; it may be some moments old.
    pub(super) fn probe(&self, connection: &mut Connection, statement: &Statement) -> Result<i64> {
        let now = Instant::now();
        if let Some((other, at, count)) = self.probes.lock().get(&fingerprint(statement))
            && now.duration_since(*at) < PROBE_AGE
            && other == statement
        {
            return Ok(*count);
        }
        connection.admit(statement);
        let count = connection.number(statement)?;
        remember(&mut self.probes.lock(), statement.clone(), now, count);
        Ok(count)
    }
}

fn remember<V>(numbers: &mut Numbers<V>, statement: Statement, valid: V, number: i64) {
    if numbers.len() >= MAX_NUMBERS {
        numbers.clear();
    }
    numbers.insert(fingerprint(&statement), (statement, valid, number));
}

fn fingerprint(statement: &Statement) -> u64 {
    let mut hasher = DefaultHasher::new();
    for piece in statement.pieces() {
        match piece {
            Piece::Sql(text) => text.hash(&mut hasher),
            Piece::Bind(bind) => bind.hash_into(&mut hasher),
        }
    }
    hasher.finish()
}

impl Catalog for Arc<Shared> {
    fn few(&self) -> usize {
        self.few
    }

    fn populated(&self, scope: OrgScope, types: &[Uuid]) -> Option<Vec<(Uuid, Uuid)>> {
        match scope {
            OrgScope::One(org) => {
                if let [only] = types {
                    return Some(vec![(org, *only)]);
                }
                let populated = self.populated.read();
                let held = populated.get(&org);
                let is_held = |id: &&Uuid| held.is_some_and(|held| held.contains(*id));
                let pairs: Vec<_> = types.iter().filter(is_held).map(|id| (org, *id)).collect();
                (pairs.len() <= MAX_PAIRS).then_some(pairs)
            }
            OrgScope::All => {
                let populated = self.populated.read();
                let pairs: Vec<_> = populated
                    .iter()
                    .flat_map(|(org, held)| {
                        types.iter().filter(|id| held.contains(*id)).map(|id| (*org, *id))
                    })
                    .take(MAX_PAIRS + 1)
                    .collect();
                (pairs.len() <= MAX_PAIRS).then_some(pairs)
            }
        }
    }
}
