//! A way to the server on which things go wrong.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use realnet_testkit::engines::S3Place;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to connections; all of it can be changed at any time.
#[derive(Default)]
pub struct Trouble {
    /// So many requests are answered with 503.
    pub busy: AtomicUsize,
    /// After so many bytes to the server altogether (0: never) the way is cut, and again after each so many.
    pub cut_sending: AtomicU64,
    /// The same for bytes from the server.
    pub cut_receiving: AtomicU64,
    /// The byte of this number (of those to the server, from 1) is another.
    pub flip: AtomicU64,
    /// Nobody is let through: connections are closed at once.
    pub closed: AtomicUsize,
    /// Milliseconds that each piece takes.
    pub delay: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// How often the way was cut.
    pub cuts: AtomicUsize,
}

impl Trouble {
    /// How many bytes went to the server so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// A proxy in front of a server.
pub struct Proxy {
    pub trouble: Arc<Trouble>,
    pub place: S3Place,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn before(place: &S3Place) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server: SocketAddr = place.endpoint.trim_start_matches("http://").parse().unwrap();
        let trouble = Arc::new(Trouble::default());
        let given = Arc::clone(&trouble);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server, Arc::clone(&given)));
            }
        });
        Self { trouble, place: S3Place { endpoint, ..place.clone() }, accepting }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(mut client: TcpStream, server: SocketAddr, trouble: Arc<Trouble>) {
    if trouble.closed.load(Ordering::Relaxed) > 0 {
        return;
    }
    let busy = |left: usize| left.checked_sub(1);
    if trouble.busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, busy).is_ok() {
        let _ = refuse(&mut client).await;
        return;
    }
    let Ok(upstream) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = upstream.into_split();
    // When one direction ends, both do.
    let never = AtomicU64::new(0);
    tokio::select! {
        () = carry(from_client, to_server, &trouble, &trouble.sent, &trouble.cut_sending, &trouble.flip) => {}
        () = carry(from_server, to_client, &trouble, &trouble.received, &trouble.cut_receiving, &never) => {}
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    trouble: &Trouble,
    carried: &AtomicU64,
    cut: &AtomicU64,
    flip: &AtomicU64,
) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut piece).await {
        if length == 0 || trouble.closed.load(Ordering::Relaxed) > 0 {
            return;
        }
        let delay = trouble.delay.load(Ordering::Relaxed);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        let before = carried.fetch_add(length as u64, Ordering::Relaxed);
        let after = before + length as u64;
        let every = cut.load(Ordering::Relaxed);
        if every > 0 && before / every != after / every {
            trouble.cuts.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let flipped = flip.load(Ordering::Relaxed);
        if (before + 1..=after).contains(&flipped) {
            piece[(flipped - before - 1) as usize] ^= 1;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

/// Reads one request and answers that the server is busy.
async fn refuse(client: &mut TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = client.read(&mut piece).await?;
        request.extend_from_slice(&piece[..length]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let body = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        if length == 0 || request.len() >= end + 4 + body.unwrap_or(0) {
            break;
        }
    }
    let text = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let length = text.len();
    let head = format!("HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(format!("{head}{text}").as_bytes()).await?;
    client.shutdown().await
}
