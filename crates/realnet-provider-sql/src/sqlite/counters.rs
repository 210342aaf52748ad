//! Numbers that the writer keeps in memory between commits; nobody else writes to the file.

use std::collections::{HashMap, HashSet};

use realnet_core::{Result, Uuid};

use super::connection::Connection;
use super::recent::Recent;
use super::shared::Shared;
use crate::statement::Statement;

/// So many items may wait for the index of words. Searches look through them one by one.
const WORDS: usize = 512;

/// The writer's numbers as of the present transaction.
pub(super) struct Counters {
    next_seq: i64,
    /// The last revisions of the orgs that were written to since the start.
    revisions: HashMap<Uuid, i64>,
    /// Orgs whose revision has risen in this transaction.
    risen: HashSet<Uuid>,
    /// The revision of types.
    pub(super) type_revision: i64,
    types_risen: bool,
    /// How many items wait for the index of words, at most.
    waiting_words: usize,
    /// The number of the commit that the present transaction will be.
    commit: u64,
    recent: Recent,
}

/// What one change set adds, kept only if the change set is.
#[derive(Default)]
pub(super) struct Changes {
    /// The last revisions of orgs.
    pub(super) revisions: HashMap<Uuid, i64>,
    /// The new revision of types, if it has risen.
    pub(super) type_revision: Option<i64>,
    /// How many items' words it has noted.
    pub(super) words: usize,
}

impl Counters {
    /// Reads the numbers from the file.
    pub(super) fn load(connection: &mut Connection, shared: &Shared) -> Result<Self> {
        // The words of a deleted item may still be in their index, so its number is not given again.
        let next_seq = connection.number(&Statement::of(
            "SELECT 1 + max((SELECT coalesce(max(seq), 0) FROM items), (SELECT coalesce(max(seq), 0) FROM new_words))",
        ))?;
        let waiting_words = connection.number(&Statement::of("SELECT count(*) FROM new_words"))? as usize;
        let type_revision = connection.number(&Statement::of("SELECT revision FROM type_revision"))?;
        Ok(Self {
            next_seq,
            revisions: HashMap::new(),
            risen: HashSet::new(),
            type_revision,
            types_risen: false,
            waiting_words,
            commit: shared.version() + 1,
            recent: Recent::after(shared.version()),
        })
    }

    /// The number of a new row of `items`. One that is not used in the end leaves a gap.
    pub(super) fn next_seq(&mut self) -> i64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    /// The last revision of an org.
    pub(super) fn revision(&mut self, connection: &mut Connection, org: Uuid) -> Result<i64> {
        if let Some(revision) = self.revisions.get(&org) {
            return Ok(*revision);
        }
        let mut statement = Statement::of("SELECT revision FROM revisions WHERE org = ");
        statement.bind(org.into());
        let revision = connection.first(&statement, |row| row.integer(0))?.unwrap_or_default();
        self.revisions.insert(org, revision);
        Ok(revision)
    }

    /// Notes that the present transaction changes an item.
    pub(super) fn note_change(&mut self, item: Uuid) {
        self.recent.note(item, self.commit);
    }

    /// Whether none of the items has changed since a commit.
    pub(super) fn unchanged_since(&self, commit: u64, items: &[Uuid]) -> bool {
        self.recent.unchanged_since(commit, items)
    }

    /// Takes over what a kept change set has added.
    pub(super) fn keep(&mut self, changes: Changes) {
        self.risen.extend(changes.revisions.keys());
        self.revisions.extend(changes.revisions);
        self.waiting_words += changes.words;
        if let Some(revision) = changes.type_revision {
            self.type_revision = revision;
            self.types_risen = true;
        }
    }

    /// Whether so many items wait for the index of words that it is time to write it.
    pub(super) fn words_are_due(&self) -> bool {
        self.waiting_words >= WORDS
    }

    /// Says that no item waits for the index of words.
    pub(super) fn words_are_written(&mut self) {
        self.waiting_words = 0;
    }

    /// Writes what has risen, once per transaction and org.
    pub(super) fn store(&mut self, connection: &mut Connection) -> Result<()> {
        for org in self.risen.drain() {
            let mut statement = Statement::of("INSERT INTO revisions (org, revision) VALUES (");
            statement
                .bind(org.into())
                .push(", ")
                .bind(self.revisions.get(&org).copied().unwrap_or_default().into());
            statement.push(") ON CONFLICT (org) DO UPDATE SET revision = excluded.revision");
            connection.run(&statement)?;
        }
        Ok(())
    }

    /// After the commit: tells all who read, and the listeners of a new revision of types.
    pub(super) fn publish(&mut self, shared: &Shared) {
        // Before the commit is told of: whoever sees that nothing has come since must see the types of it.
        if std::mem::take(&mut self.types_risen) {
            shared.type_revision.send_replace(self.type_revision);
        }
        shared.committed();
        self.commit += 1;
    }
}
