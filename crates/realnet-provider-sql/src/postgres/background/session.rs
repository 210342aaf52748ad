//! One life of the background connection.

use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures::StreamExt as _;
use realnet_core::{Error, Result};
use tokio::time::Instant;

use super::super::error::to_error;
use super::super::locks;
use super::super::run::Run as _;
use super::super::shared::Shared;
use super::sequencer::{self, BATCH};
use super::sweep::sweep;
use crate::statement::Statement;

/// Said by who changes types, in the same transaction; the payload is the revision.
const TYPES: &str = "realnet_types";
/// Said by who commits changes without being the sequencer itself.
const COMMITS: &str = "realnet_commits";
/// Said by the sequencer when changes have got revisions.
const STAMPS: &str = "realnet_stamps";

/// How often everything is looked at without being asked: should a signal be lost, it is late by so much.
const TICK: Duration = Duration::from_millis(500);
/// Changes that come within this time get their revisions together.
const COALESCE: Duration = Duration::from_millis(5);
/// How often old rows are thrown away.
const SWEEP: Duration = Duration::from_mins(10);

/// What woke the session.
enum Event {
    /// A commit of this process.
    Commit,
    /// A signal of the database: channel and payload.
    Signal(String, String),
    /// Time has passed.
    Tick,
}

/// The connection and what it holds.
pub(super) struct Session<'a> {
    shared: &'a Shared,
    connection: AsyncPgConnection,
    /// Whether this process gives the revisions.
    leads: bool,
    swept: Option<Instant>,
}

impl<'a> Session<'a> {
    pub(super) fn new(shared: &'a Shared, connection: AsyncPgConnection) -> Self {
        Self { shared, connection, leads: false, swept: None }
    }

    /// Works until the connection fails; answers why.
    pub(super) async fn run(mut self) -> Error {
        loop {
            if let Err(error) = self.live().await {
                return error;
            }
        }
    }

    async fn live(&mut self) -> Result<()> {
        // A process that is frozen must not keep the lock: the server ends a session that says nothing for long.
        // (Servers before PostgreSQL 14 do not have the setting.)
        let setup = format!(
            "SELECT set_config(name, '30s', false) FROM pg_settings WHERE name = 'idle_session_timeout'; \
             LISTEN {TYPES}; LISTEN {COMMITS}; LISTEN {STAMPS}"
        );
        self.connection.batch_execute(&setup).await.map_err(to_error)?;
        self.tick().await?;
        self.shared.note_hearing();
        let mut next_tick = Instant::now() + TICK;
        loop {
            match self.next_event(next_tick).await? {
                Event::Commit => self.committed().await?,
                Event::Signal(channel, payload) => self.heard(&channel, &payload).await?,
                Event::Tick => {
                    self.tick().await?;
                    self.shared.note_hearing();
                    next_tick = Instant::now() + TICK;
                }
            }
        }
    }

    async fn next_event(&mut self, next_tick: Instant) -> Result<Event> {
        let mut signals = std::pin::pin!(self.connection.notifications_stream());
        tokio::select! {
            signal = signals.next() => match signal {
                Some(Ok(signal)) => Ok(Event::Signal(signal.channel, signal.payload)),
                Some(Err(error)) => Err(to_error(error)),
                None => Err(Error::unavailable("the background connection was closed")),
            },
            () = self.shared.commits.notified() => Ok(Event::Commit),
            () = tokio::time::sleep_until(next_tick) => Ok(Event::Tick),
        }
    }

    async fn committed(&mut self) -> Result<()> {
        if self.leads {
            return self.stamp().await;
        }
        self.connection.batch_execute(&format!("NOTIFY {COMMITS}")).await.map_err(to_error)?;
        tokio::time::sleep(COALESCE).await;
        Ok(())
    }

    async fn heard(&mut self, channel: &str, payload: &str) -> Result<()> {
        match channel {
            TYPES => {
                if let Ok(revision) = payload.parse() {
                    self.shared.note_types(revision);
                }
                Ok(())
            }
            COMMITS if self.leads => self.stamp().await,
            STAMPS if !self.leads => {
                self.shared.stamps.send_modify(|count| *count += 1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn tick(&mut self) -> Result<()> {
        if !self.leads {
            let lock = Statement::of(format!("SELECT pg_try_advisory_lock({})", locks::SEQUENCER));
            self.leads = self.timely(self.connection.one(lock)).await?;
            if self.leads {
                tracing::debug!("this process gives the revisions of changes");
            }
        }
        let revision = Statement::of("SELECT revision FROM type_revision");
        let revision = self.timely(self.connection.one(revision)).await?;
        self.shared.note_types(revision);
        if self.leads {
            self.stamp().await?;
            if self.swept.is_none_or(|swept| swept.elapsed() > SWEEP) {
                self.swept = Some(Instant::now());
                self.timely(sweep(&self.connection)).await?;
            }
        }
        Ok(())
    }

    /// Waits for an answer only so long: of a server that has vanished without a word, the system learns after a quarter
    /// of an hour.
    async fn timely<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let silence = |_| Err(Error::unavailable("the database does not answer"));
        tokio::time::timeout(self.shared.patience(), answer).await.unwrap_or_else(silence)
    }

    /// Gives revisions until no change waits.
    async fn stamp(&mut self) -> Result<()> {
        loop {
            let count = self.timely(sequencer::stamp(&self.connection, STAMPS)).await?;
            if count > 0 {
                self.shared.stamps.send_modify(|stamps| *stamps += 1);
            }
            tokio::time::sleep(COALESCE).await;
            if count < BATCH {
                return Ok(());
            }
        }
    }
}
