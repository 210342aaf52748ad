//! Whose a storage is that several servers share: that of one database, and of several copies of that one, the copy that was there first.
//!
//! A copy of a database (a restored backup, a clone to try things with) takes its own state for all there is, so what it deletes or
//! sweeps is missing where it was copied from. It can not be told by what it holds, only by what becomes of it: the database and the
//! mark of the storage both name a *turn*, and every few minutes a server of the database writes a new one, first into the database,
//! then into the mark. A copy is left behind by the next turn, and is another's from there on.
//!
//! Before that it stands where the first one does. So nothing is removed by who has not seen or made a turn pass in its own database,
//! and a turn that another server has made (which may be the first one's, and alive) is only replaced once it has stood for long. As
//! long as a server of the first one runs, a copy gets nothing to remove. Of a store whose servers have stopped, whoever starts first
//! is the first one: which of the two it was copied from, nothing inside of a database can tell.

use std::time::{Duration, Instant};

use bytes::Bytes;
use realnet_core::provider::{DataProvider, TURN_SETTING};
use realnet_core::resource::Services;
use realnet_core::{Error, Result, Uuid};
use serde::{Deserialize, Serialize};

use crate::sweep::{database, foreign};

/// How often there is a new turn.
const TURN: Duration = Duration::from_mins(5);
/// A turn that has stood so long was left by a server that has ended.
const STALE: Duration = Duration::from_mins(15);
/// So long before others may think so, nothing is removed any more.
const MARGIN: Duration = Duration::from_mins(1);
/// How often somebody who takes a storage over is in the way of others who do.
const TRIES: usize = 10;

/// What the database says of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names, reason = "a turn is its name, and the one before has one")]
struct Turn {
    turn: Uuid,
    /// The one before, which the mark names until it was written, too.
    before: Option<Uuid>,
    /// The server that has made it, unless that has ended in order.
    holder: Option<Uuid>,
}

/// A turn that is that of database and mark.
struct Present {
    turn: Turn,
    /// As it stands in the database.
    kept: Vec<u8>,
    /// As it stands on the storage.
    mark: Bytes,
}

/// What a server has seen of turns.
#[derive(Debug, Clone, Copy)]
struct Seen {
    turn: Uuid,
    since: Instant,
    last: Instant,
}

/// Keeps a storage for the database of a server.
#[derive(Debug)]
pub struct Keeper {
    server: Uuid,
    seen: Option<Seen>,
}

impl Keeper {
    /// How often [`Self::renew`] is to be called.
    pub const RENEWED: Duration = TURN;

    /// For a server that starts.
    pub fn new(services: &Services) -> Self {
        Self { server: services.ids.next_id(), seen: None }
    }

    /// Sees that the storage is that of this database, and keeps it so. `now`: the moment of the call. Answers until when contents may
    /// be removed; `None`: not yet.
    ///
    /// # Errors
    /// Conflict when it is another's; those of the stores, after which the moments told before still hold.
    pub async fn renew(&mut self, services: &Services, now: Instant) -> Result<Option<Instant>> {
        let Some(store) = &services.data else { return Ok(None) };
        let present = look(services, &**store, self.server).await?;
        let turn = present.turn.turn;
        let seen = self.seen.filter(|seen| seen.turn == turn);
        // A turn that has passed since the last look was made in this very database.
        let passed = self.seen.filter(|seen| seen.turn != turn);
        let leave = passed.map(|seen| seen.last + STALE.saturating_sub(MARGIN));
        let since = seen.map_or(now, |seen| seen.since);
        let is_free = match present.turn.holder {
            Some(holder) => holder == self.server || now.duration_since(since) >= STALE,
            None => true,
        };
        if is_free && let Some(next) = self.advance(services, &**store, present).await? {
            self.seen = Some(Seen { turn: next, since: now, last: now });
            return Ok(Some(now + STALE.saturating_sub(MARGIN)));
        }
        self.seen = Some(Seen { turn, since, last: now });
        Ok(leave)
    }

    /// Makes the next turn; `None` when another server of this database has.
    async fn advance(
        &self,
        services: &Services,
        store: &dyn DataProvider,
        present: Present,
    ) -> Result<Option<Uuid>> {
        let Present { turn, kept, mark } = present;
        let next = Turn { turn: services.ids.next_id(), before: Some(turn.turn), holder: Some(self.server) };
        if !services.credentials.replace_setting(TURN_SETTING, &kept, text(&next)?).await? {
            return Ok(None);
        }
        let own = database(services).await?;
        write(store, Some(&mark), mark_of(&own, next.turn)).await?;
        Ok(Some(next.turn))
    }

    /// Lets others go on at once, when the server ends.
    ///
    /// # Errors
    /// Those of the store of the database: then they go on later.
    pub async fn release(self, services: &Services) -> Result<()> {
        let Some(kept) = services.credentials.setting(TURN_SETTING).await? else { return Ok(()) };
        let turn = read(&kept)?;
        if turn.holder == Some(self.server) {
            let free = text(&Turn { holder: None, ..turn })?;
            services.credentials.replace_setting(TURN_SETTING, &kept, free).await?;
        }
        Ok(())
    }
}

/// Sees that a shared storage is that of this database and its turn; a new one becomes it.
///
/// # Errors
/// Conflict when it is another's.
pub(crate) async fn check(services: &Services, store: &dyn DataProvider) -> Result<()> {
    look(services, store, services.ids.next_id()).await.map(drop)
}

/// Makes a shared storage that of this database, whosever it was.
pub(crate) async fn take(services: &Services, store: &dyn DataProvider) -> Result<()> {
    let own = database(services).await?;
    for _ in 0..TRIES {
        let next = Turn { turn: services.ids.next_id(), before: None, holder: None };
        let value = text(&next)?;
        let is_kept = match services.credentials.setting(TURN_SETTING).await? {
            Some(kept) => services.credentials.replace_setting(TURN_SETTING, &kept, value).await?,
            None => services.credentials.setting_or_insert(TURN_SETTING, value.clone()).await? == value,
        };
        let mark = store.mark().await?;
        if is_kept && store.replace_mark(mark.as_deref(), mark_of(&own, next.turn)).await? {
            return Ok(());
        }
    }
    Err(Error::unavailable("others take the storage over at the same time: try again"))
}

/// The turn, once database and mark name the same.
async fn look(services: &Services, store: &dyn DataProvider, server: Uuid) -> Result<Present> {
    for _ in 0..TRIES {
        if let Some(present) = look_once(services, store, server).await? {
            return Ok(present);
        }
    }
    Err(Error::unavailable("the storage changes hands all the time: try again"))
}

/// The same; `None` when another server of this database has made a turn between the looks at database and storage.
async fn look_once(services: &Services, store: &dyn DataProvider, server: Uuid) -> Result<Option<Present>> {
    let own = database(services).await?;
    let first = text(&Turn { turn: services.ids.next_id(), before: None, holder: Some(server) })?;
    let kept = services.credentials.setting_or_insert(TURN_SETTING, first.clone()).await?;
    let turn = read(&kept)?;
    let mark = mark_of(&own, turn.turn);
    let before = turn.before.map(|before| mark_of(&own, before));
    match store.mark().await? {
        Some(found) if found == mark => {}
        // Whoever made the turn did not come to write it here.
        Some(found) if Some(&found) == before.as_ref() => write(store, Some(&found), mark.clone()).await?,
        Some(found) if found.starts_with(&own) => {
            let now = services.credentials.setting(TURN_SETTING).await?;
            return if now.is_some_and(|now| now == kept) { Err(copied()) } else { Ok(None) };
        }
        Some(_) => return Err(foreign()),
        None => {
            // Before there were turns, a content was the mark.
            if crate::sweep::mark(store).await?.is_some_and(|mark| mark != own) {
                return Err(foreign());
            }
            if kept != first {
                crate::sweep::warn_of_new_storage();
            }
            write(store, None, mark.clone()).await?;
        }
    }
    Ok(Some(Present { turn, kept, mark }))
}

async fn write(store: &dyn DataProvider, current: Option<&[u8]>, next: Bytes) -> Result<()> {
    if store.replace_mark(current, next).await? {
        return Ok(());
    }
    // Whose it is by now, the next look says.
    Err(Error::unavailable("the storage has just changed hands: try again"))
}

fn copied() -> Error {
    Error::conflict("the storage belongs to another copy of this database, or to a later state of it")
}

/// The mark of a turn: it begins with that of the database.
fn mark_of(own: &[u8], turn: Uuid) -> Bytes {
    Bytes::from([own, format!("turn {turn}\n").as_bytes()].concat())
}

fn text(turn: &Turn) -> Result<Vec<u8>> {
    serde_json::to_vec(turn).map_err(|error| Error::internal("a turn has no JSON").with_source(error))
}

fn read(kept: &[u8]) -> Result<Turn> {
    serde_json::from_slice(kept).map_err(|error| {
        Error::internal(format!("the setting {TURN_SETTING} can not be read")).with_source(error)
    })
}
