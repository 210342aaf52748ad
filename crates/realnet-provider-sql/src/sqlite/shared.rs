//! What readers and the writer of a store share: connections, what is known of the data, small caches.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use realnet_core::query::OrgScope;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Result, Uuid};

use super::connection::Connection;
use super::haste::Haste;
use super::pool::Pool;
use crate::compile::Catalog;
use crate::statement::Statement;

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
    /// What `version` will be after the commit that is under way, or is.
    next_version: AtomicU64,
    /// Held by the writer while it commits, by a reader while it takes snapshots that have to be of one moment.
    commits: RwLock<()>,
    /// Which types have had items since the start, by org.
    populated: RwLock<HashMap<Uuid, HashSet<Uuid>>>,
    totals: Mutex<Numbers<u64>>,
    probes: Mutex<Numbers<Instant>>,
    /// Which lists are quick.
    pub(super) haste: Haste,
    /// The last revision of types; receivers are told of each new one.
    pub(super) type_revision: tokio::sync::watch::Sender<i64>,
    /// The database file, for [`Self::sync`]. To close it takes the locks away that the connections of this process have on
    /// it, so it is closed last, and whoever has a connection and lives on its own holds all of this.
    file: Option<File>,
}

/// Numbers that statements gave, each with what it is valid for.
type Numbers<V> = HashMap<u64, (Statement, V, i64)>;

impl Shared {
    pub(super) fn new(pool: Pool, few: usize) -> Self {
        let file = pool.file();
        Self {
            pool,
            no_types: Arc::default(),
            few,
            version: AtomicU64::new(0),
            next_version: AtomicU64::new(0),
            commits: RwLock::default(),
            populated: RwLock::default(),
            totals: Mutex::default(),
            probes: Mutex::default(),
            haste: Haste::default(),
            type_revision: tokio::sync::watch::Sender::new(0),
            file,
        }
    }

    /// Puts what has been written into the file on the disk, so that there is little left to do for who has to wait for it.
    /// When it fails, they will hear of it.
    pub(super) fn sync(&self) {
        if let Some(file) = &self.file {
            let _ = file.sync_data();
        }
    }

    /// Reads what is known of the data from the store.
    pub(super) fn load(&self, connection: &mut Connection) -> Result<()> {
        // Jumps from one pair to the next, so that it costs by pairs and not by items: to the next type of the org, else to
        // the next org. Compared as a row of both, SQLite would go along all items of the org each time.
        let pairs = Statement::of(
            "WITH RECURSIVE pair(org, type) AS (SELECT * FROM \
             (SELECT org, type FROM items INDEXED BY items_by_type ORDER BY org, type LIMIT 1) \
             UNION ALL SELECT n.org, n.type FROM pair p CROSS JOIN items n WHERE n.seq = coalesce(\
             (SELECT t.seq FROM items t INDEXED BY items_by_type WHERE t.org = p.org AND t.type > p.type \
             ORDER BY t.type LIMIT 1), \
             (SELECT o.seq FROM items o INDEXED BY items_by_type WHERE o.org > p.org ORDER BY o.org, o.type LIMIT 1))) \
             SELECT org, type FROM pair",
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

    /// The orgs that have, or had since the start, items of a type.
    pub(super) fn holders(&self, type_id: Uuid) -> Vec<Uuid> {
        let populated = self.populated.read();
        populated.iter().filter(|(_, types)| types.contains(&type_id)).map(|(org, _)| *org).collect()
    }

    /// The number of the last commit: whoever reads after this has seen it.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Says that a commit begins: until it has ended, nobody knows whether a snapshot holds it. It has ended when the answer
    /// is dropped.
    pub(super) fn committing(&self) -> RwLockWriteGuard<'_, ()> {
        let commits = self.commits.write();
        self.next_version.store(self.version() + 1, Ordering::SeqCst);
        commits
    }

    /// Keeps the writer from committing until the answer is dropped, which has to be soon. Without `patience` nothing, if
    /// the writer is at it.
    pub(super) fn between_commits(&self, patience: bool) -> Option<RwLockReadGuard<'_, ()>> {
        if patience { Some(self.commits.read()) } else { self.commits.try_read() }
    }

    /// Whether nobody keeps the writer from committing.
    #[cfg(test)]
    pub(super) fn can_commit(&self) -> bool {
        self.commits.try_write().is_some()
    }

    /// Says that the commit was not made.
    pub(super) fn not_committed(&self) {
        self.next_version.store(self.version(), Ordering::SeqCst);
    }

    /// Says that a commit has been made: totals counted before are no longer valid.
    pub(super) fn committed(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of the last commit, if none is under way. A snapshot taken between two equal answers is of that one.
    pub(super) fn settled_version(&self) -> Option<u64> {
        let version = self.version.load(Ordering::SeqCst);
        (self.next_version.load(Ordering::SeqCst) == version).then_some(version)
    }

    /// A total, if it was counted since the last commit.
    pub(super) fn known_total(&self, statement: &Statement) -> Option<i64> {
        self.total_of(statement, self.settled_version()?)
    }

    /// A total of a version, if it was counted.
    pub(super) fn total_of(&self, statement: &Statement, version: u64) -> Option<i64> {
        let totals = self.totals.lock();
        totals
            .get(&statement.fingerprint())
            .filter(|(other, valid, _)| *valid == version && other == statement)
            .map(|(.., total)| *total)
    }

    /// Counts, and remembers it for the version of the snapshot, if that is known.
    pub(super) fn count(
        &self,
        connection: &mut Connection,
        statement: Statement,
        version: Option<u64>,
    ) -> Result<i64> {
        connection.admit(&statement);
        let total = connection.number(&statement)?;
        if let Some(version) = version {
            remember(&mut self.totals.lock(), statement, version, total);
        }
        Ok(total)
    }

    /// Whether [`Self::probe`] needs not ask the database.
    pub(super) fn knows_probe(&self, statement: &Statement) -> bool {
        self.remembered(statement, Instant::now()).is_some()
    }

    fn remembered(&self, statement: &Statement, now: Instant) -> Option<i64> {
        let probes = self.probes.lock();
        let (other, at, count) = probes.get(&statement.fingerprint())?;
        (now.duration_since(*at) < PROBE_AGE && other == statement).then_some(*count)
    }

    /// A bounded count that steers a choice; it may be some moments old.
    pub(super) fn probe(&self, connection: &mut Connection, statement: &Statement) -> Result<i64> {
        let now = Instant::now();
        if let Some(count) = self.remembered(statement, now) {
            return Ok(count);
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
    numbers.insert(statement.fingerprint(), (statement, valid, number));
}

impl Catalog for Arc<Shared> {
    fn few(&self) -> usize {
        self.few
    }

    fn size(&self, statement: &Statement) -> Option<i64> {
        self.remembered(statement, Instant::now())
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
