//! A way to PostgreSQL on which something does not arrive, and the rest passes unchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The type of a `NotificationResponse` (PostgreSQL's protocol, message formats).
const NOTIFICATION: u8 = b'A';
/// What the connection is called by which a server hears of others.
const BACKGROUND: &[u8] = b"realnet background";

/// What does not arrive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Notifications.
    Notifications,
    /// Anything on the connection by which a server hears of others, though it stays open.
    Background,
}

/// The way, for as long as its test runs.
pub struct Deaf {
    /// The address of the database by this way.
    pub url: String,
    lost: Arc<Lost>,
}

struct Lost {
    what: Loss,
    has_begun: AtomicBool,
    messages: AtomicUsize,
}

impl Deaf {
    /// A way on which everything arrives until it is [cut](Self::cut).
    pub async fn before(database: &str, what: Loss) -> Self {
        let mut url = Url::parse(database).unwrap();
        let place = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let lost = Arc::new(Lost { what, has_begun: AtomicBool::new(false), messages: AtomicUsize::new(0) });
        let present = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&place).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&present)));
            }
        });
        Self { url: url.into(), lost }
    }

    /// From now on it does not arrive.
    pub fn cut(&self) {
        self.lost.has_begun.store(true, Ordering::SeqCst);
    }

    /// How many messages have not arrived.
    pub fn swallowed(&self) -> usize {
        self.lost.messages.load(Ordering::SeqCst)
    }
}

impl Lost {
    fn swallows(&self, kind: u8, is_background: bool) -> bool {
        let is_meant = match self.what {
            Loss::Notifications => kind == NOTIFICATION,
            Loss::Background => is_background,
        };
        let swallows = is_meant && self.has_begun.load(Ordering::SeqCst);
        self.messages.fetch_add(usize::from(swallows), Ordering::SeqCst);
        swallows
    }
}

/// Passes on both ways what is said on a connection.
async fn pass(client: TcpStream, server: TcpStream, lost: Arc<Lost>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // The first message has no type.
    let Some(first) = message(&mut from_client, Vec::new()).await else { return };
    let is_background = first.windows(BACKGROUND.len()).any(|part| part == BACKGROUND);
    if to_server.write_all(&first).await.is_err() {
        return;
    }
    tokio::join!(
        one_way(from_client, to_server, &lost, is_background),
        one_way(from_server, to_client, &lost, is_background)
    );
}

/// What is said is a sequence of messages: a byte for the type, the length of the rest, and the rest.
async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lost: &Lost, is_background: bool) {
    while let Ok(kind) = from.read_u8().await {
        let Some(message) = message(&mut from, vec![kind]).await else { return };
        if !lost.swallows(kind, is_background) && to.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// A message whose beginning was read; `None` when it does not come.
async fn message(from: &mut OwnedReadHalf, begun: Vec<u8>) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut message = begun;
    let head = message.len() + 4;
    message.extend(length.to_be_bytes());
    message.resize(head + length as usize - 4, 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}
