//! A pool: connections that are opened when they are needed, lent, and given back.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use parking_lot::Mutex;
use realnet_core::{Error, Result};
use tokio::sync::oneshot;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::config::PostgresConfig;
use super::super::connect::{self, Driven, Role};
use super::places::{Alive, Found, Home, Next, Places};

/// So long a connection is waited for that is to replace another: where it does not come, there is the other.
const REPLACING: Duration = Duration::from_secs(1);

/// How connections of a pool are opened.
pub(super) struct Opener {
    pub(super) config: Arc<PostgresConfig>,
    pub(super) tls: MakeRustlsConnect,
    pub(super) role: Role,
}

/// A pool of connections of one kind.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    opener: Opener,
    places: Mutex<Places<Driven, oneshot::Sender<Turn>>>,
}

/// What somebody who waits is given.
enum Turn {
    /// A connection.
    Connection(Connection),
    /// The place of one, to open it.
    Room(Room),
}

/// A connection that returns to its pool when dropped.
pub(in super::super) struct Connection {
    /// Empty only while being dropped.
    driven: Option<Driven>,
    place: Place,
}

/// Where a connection is to be opened. Fields are dropped in their order: the old one stays before its place is free.
struct Room {
    /// The one that it replaces, if any.
    old: Option<Outgoing>,
    place: Place,
}

/// A connection whose place has moved to another home. Unless it [leaves](Self::leave), it goes back as it was.
struct Outgoing(Option<Connection>);

/// The place of a connection that is lent or being opened. It is free again when this is dropped.
struct Place {
    pool: Arc<Inner>,
    home: Home,
    is_held: bool,
}

impl Pool {
    /// A pool of so many connections at most, one at least.
    pub(super) fn new(opener: Opener, most: usize) -> Self {
        Self(Arc::new(Inner { opener, places: Mutex::new(Places::new(most)) }))
    }

    /// A connection: one that is free, a new one, or the next that comes back.
    pub(super) async fn get(&self) -> Result<Connection> {
        let closed = || Error::unavailable("the store is closed");
        let home = Home::here();
        match self.find(home) {
            (Found::Closed, _) => Err(closed()),
            (Found::Free(driven, home), _) => Ok(self.0.lend(driven, home)),
            (Found::Room(old), _) => self.0.room(home, old).open().await,
            (Found::Nothing, turn) => match turn.await.map_err(|_| closed())? {
                Turn::Connection(connection) => Ok(connection),
                Turn::Room(room) => room.open().await,
            },
        }
    }

    /// What there is; where that is nothing, the caller's turn comes.
    fn find(&self, home: Home) -> (Found<Driven>, oneshot::Receiver<Turn>) {
        let (answer, turn) = oneshot::channel();
        let mut places = self.0.places.lock();
        let found = places.find(home);
        if matches!(found, Found::Nothing) {
            places.wait(home, answer);
        }
        (found, turn)
    }

    /// Closes all connections; those in use when they come back.
    pub(super) fn close(&self) {
        let closed = self.0.places.lock().close();
        drop(closed);
    }
}

impl Inner {
    fn place(self: &Arc<Self>, home: Home) -> Place {
        Place { pool: Arc::clone(self), home, is_held: true }
    }

    fn room(self: &Arc<Self>, home: Home, old: Option<(Driven, Home)>) -> Room {
        let old = old.map(|(driven, home)| Outgoing(Some(self.lend(driven, home))));
        Room { old, place: self.place(home) }
    }

    fn lend(self: &Arc<Self>, driven: Driven, home: Home) -> Connection {
        Connection { driven: Some(driven), place: self.place(home) }
    }

    /// Gives somebody who waits what has become free. Who has gone away gives it to the next by dropping it.
    fn answer(self: &Arc<Self>, next: Option<Next<Driven, oneshot::Sender<Turn>>>) {
        match next {
            None => {}
            Some(Next::Free(waiting, driven, home)) => {
                drop(waiting.send(Turn::Connection(self.lend(driven, home))));
            }
            Some(Next::Room(waiting, home, old)) => {
                drop(waiting.send(Turn::Room(self.room(home, old))));
            }
        }
    }
}

impl Alive for Driven {
    fn is_alive(&self) -> bool {
        self.is_open()
    }
}

impl Alive for oneshot::Sender<Turn> {
    fn is_alive(&self) -> bool {
        !self.is_closed()
    }
}

impl Room {
    /// Opens a connection. Where that fails, the one that it was to replace is still there.
    async fn open(mut self) -> Result<Connection> {
        match self.attempt().await {
            Ok(driven) => {
                if let Some(old) = self.old.take() {
                    old.leave();
                }
                Ok(Connection { driven: Some(driven), place: self.place })
            }
            Err(error) => match self.old.take().and_then(Outgoing::stay) {
                Some(old) => {
                    tracing::debug!(error = %error.report(), "a connection is not replaced");
                    Ok(old)
                }
                None => Err(error),
            },
        }
    }

    async fn attempt(&self) -> Result<Driven> {
        let opener = &self.place.pool.opener;
        let patience =
            if self.old.is_some() { REPLACING.min(opener.config.connect_timeout / 2) } else { Duration::MAX };
        let opening = connect::open_driven(&opener.config, &opener.tls, opener.role);
        // Boxed: it happens seldom, and every request would carry its size.
        match Box::pin(tokio::time::timeout(patience, opening)).await {
            Ok(opened) => opened.map_err(|failure| failure.to_error()),
            Err(_) => Err(Error::unavailable("the PostgreSQL server takes long to open a connection")),
        }
    }
}

impl Outgoing {
    /// Closes it; its place is another's now.
    fn leave(mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.place.is_held = false;
            connection.discard();
        }
    }

    /// The connection as it was, if it is alive.
    fn stay(mut self) -> Option<Connection> {
        self.take_back().filter(|connection| connection.driven.as_ref().is_some_and(Driven::is_open))
    }

    fn take_back(&mut self) -> Option<Connection> {
        let connection = self.0.take()?;
        connection.place.pool.places.lock().stay(connection.place.home);
        Some(connection)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        drop(self.take_back());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut places = self.pool.places.lock();
        places.vacate(self.home);
        let next = places.next_turn();
        drop(places);
        self.pool.answer(next);
    }
}

impl Connection {
    /// Closes it instead of giving it back.
    pub(in super::super) fn discard(mut self) {
        drop(self.driven.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(driven) = self.driven.take() else { return };
        self.place.is_held = false;
        let pool = &self.place.pool;
        let mut places = pool.places.lock();
        let old = places.give_back(driven, self.place.home);
        let next = places.next_turn();
        drop(places);
        drop(old);
        pool.answer(next);
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.driven.as_ref().expect("the connection is only taken where it is given back").client()
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::ErrorKind;
    use tokio::net::TcpListener;

    use super::super::super::tls;
    use super::*;

    /// A pool of one connection to a server on a port of this machine.
    fn pool(port: u16) -> Pool {
        let mut config = PostgresConfig::new("127.0.0.1", "nobody", "nothing");
        config.port = port;
        let tls = tls::connector(&config).unwrap();
        Pool::new(Opener { config: Arc::new(config), tls, role: Role::Write }, 1)
    }

    fn kind(outcome: Result<Connection>) -> Option<ErrorKind> {
        outcome.err().map(|error| error.kind())
    }

    #[tokio::test]
    async fn a_connection_that_can_not_be_opened_leaves_its_place() {
        // Ports below 1024 are not given to clients, and nothing listens on this one.
        let pool = pool(1);
        for _ in 0..2 {
            // Two wait for the place of the first, and each gets it when the one before has failed.
            let (one, two, three) = tokio::join!(pool.get(), pool.get(), pool.get());
            for outcome in [one, two, three] {
                assert_eq!(kind(outcome), Some(ErrorKind::Unavailable));
            }
        }
    }

    #[tokio::test]
    async fn who_gives_up_while_a_connection_is_opened_leaves_its_place() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(silent.local_addr().unwrap().port());
        for _ in 0..2 {
            let (given_up, begun) = tokio::join!(
                tokio::time::timeout(Duration::from_millis(200), pool.get()),
                tokio::time::timeout(Duration::from_secs(10), silent.accept())
            );
            assert!(given_up.is_err(), "nobody answers");
            begun.expect("another is opened").unwrap();
        }
    }

    #[tokio::test]
    async fn a_closed_pool_opens_nothing() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(silent.local_addr().unwrap().port());
        let opening = tokio::time::timeout(Duration::from_millis(200), pool.get());
        // One waits for the place of the other.
        let (opened, waited, ()) = tokio::join!(opening, pool.get(), async { pool.close() });
        assert!(opened.is_err());
        assert_eq!(kind(waited), Some(ErrorKind::Unavailable));
        assert_eq!(kind(pool.get().await), Some(ErrorKind::Unavailable));
    }
}
