//! The bodies of answers, read through limits: a server may be another's, or out of order, and what it sends is never taken for
//! granted to end.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Problem, Result};

/// The longest document, in bytes: servers end their pages before 16 MiB.
const MOST: usize = 64 << 20;
/// The longest refusal.
const MOST_REFUSED: usize = 1 << 20;
/// How long one waits for what is to come at first. What has come prolongs it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// So many bytes of an answer come in a second in the long run.
const LEAST: u64 = 4 * 1024;

/// How long an answer is waited for: what its reader does with it counts for nothing.
#[derive(Debug)]
pub(crate) struct Pace {
    patience: Duration,
    waited: Duration,
    received: u64,
}

impl Pace {
    pub(crate) const fn new(patience: Duration) -> Self {
        Self { patience, waited: Duration::ZERO, received: 0 }
    }

    /// Waits for what comes next.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T> {
        let earned = Duration::from_millis(self.received.saturating_mul(1000) / LEAST);
        let left = self.patience.saturating_add(earned).saturating_sub(self.waited);
        // Whatever has been earned, silence is no slowness.
        let left = left.min(self.patience);
        let begun = Instant::now();
        let next = timeout(left, next).await.map_err(|_| Error::BadAnswer("it comes too slowly".to_owned()));
        self.waited += begun.elapsed();
        next
    }

    /// So many bytes have come.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(bytes as u64);
    }
}

/// The document of an answer; nothing is null.
pub(crate) async fn json_of(response: Response, patience: Duration) -> Result<Value> {
    let bytes = read(response, MOST, patience).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|error| Error::BadAnswer(error.to_string()))
}

/// All of a body that has so many bytes at most.
async fn read(mut response: Response, most: usize, patience: Duration) -> Result<Vec<u8>> {
    let (mut bytes, mut pace) = (Vec::new(), Pace::new(patience));
    let broken = |error: reqwest::Error| Error::BadAnswer(error.without_url().to_string());
    while let Some(piece) = pace.wait(response.chunk()).await?.map_err(broken)? {
        if piece.len() > most - bytes.len() {
            return Err(Error::BadAnswer(format!("it is longer than {} MiB", most >> 20)));
        }
        pace.took(piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// What a refusal says.
pub(crate) async fn refusal(response: Response, patience: Duration) -> Error {
    let status = response.status();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    // One that can not be read has its status.
    let text = read(response, MOST_REFUSED, patience).await.unwrap_or_default();
    let mut problem = serde_json::from_slice::<Problem>(&text).unwrap_or_default();
    if status.is_redirection() {
        let place = location.unwrap_or_else(|| "another place".to_owned());
        problem.detail = format!(
            "the server sends on to {place}, which is not followed: give the address of the server itself"
        );
    }
    problem.status = status.as_u16();
    problem.retry_after = retry_after;
    if problem.title.is_empty() {
        problem.title = status.to_string();
    }
    Error::Refused(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::TryStreamExt as _;

    use super::*;
    use crate::Client;

    /// A server that answers each request, by its number, as is written.
    fn serving(
        answer: impl Fn(usize, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = stream.read(&mut [0; 4096]);
                    // Whoever has enough goes away.
                    let _ = answer(number, &mut stream);
                });
            }
        });
        address
    }

    const CLOSE: &str = "Connection: close\r\n";

    /// A server whose answer does not end, and how many MiB of it were taken.
    fn endless(status: &'static str) -> (String, Arc<AtomicUsize>) {
        let taken = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&taken);
        let address = serving(move |_, stream| {
            write!(stream, "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n{CLOSE}\r\n")?;
            let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "[".repeat(1 << 20));
            // Far more than is taken, and not so much that nothing is left of the machine.
            for _ in 0..300 {
                stream.write_all(chunk.as_bytes())?;
                count.fetch_add(1, Ordering::SeqCst);
            }
            stream.write_all(b"0\r\n\r\n")
        });
        (address, taken)
    }

    #[tokio::test]
    async fn answers_have_an_end() {
        let (address, taken) = endless("200 OK");
        let error = Client::new(&address).unwrap().info().await.unwrap_err();
        assert!(error.to_string().contains("longer than 64 MiB"), "{error}");
        assert!(taken.load(Ordering::SeqCst) < 150, "{taken:?}");
        let (address, taken) = endless("500 No");
        let error = Client::new(&address).unwrap().info().await.unwrap_err();
        assert_eq!(error.status(), Some(500));
        assert!(taken.load(Ordering::SeqCst) < 50, "{taken:?}");
    }

    #[tokio::test]
    async fn what_dribbles_is_given_up() {
        let checksum = "0".repeat(64);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nETag: \"{checksum}\"\r\n{CLOSE}\r\n");
        let address = serving(move |number, stream| {
            if number == 0 {
                std::thread::sleep(Duration::from_secs(2));
                return Ok(());
            }
            stream.write_all(head.as_bytes())?;
            loop {
                std::thread::sleep(Duration::from_millis(20));
                stream.write_all(b"x")?;
            }
        });
        let mut client = Client::new(&address).unwrap();
        client.patience = Duration::from_millis(300);
        let silent = client.download("files", "x", None).await.map(drop).unwrap_err();
        assert!(silent.to_string().contains("too slowly"), "{silent}");
        let download = client.download("files", "x", None).await.unwrap();
        let slow = download.data.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(slow.to_string().contains("too slowly"), "{slow}");
        let slow = client.info().await.unwrap_err();
        assert!(slow.to_string().contains("too slowly"), "{slow}");
    }

    #[tokio::test]
    async fn a_reader_that_takes_its_time_is_waited_for() {
        let mut pace = Pace::new(Duration::from_millis(100));
        for _ in 0..3 {
            pace.wait(std::future::ready(())).await.unwrap();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        // What has come prolongs the whole, and no single wait.
        pace.took(1 << 30);
        for _ in 0..3 {
            pace.wait(tokio::time::sleep(Duration::from_millis(60))).await.unwrap();
        }
        let begun = Instant::now();
        pace.wait(std::future::pending::<()>()).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn what_is_told_to_wait_waits() {
        let refused = |seconds: u64| {
            serving(move |number, stream| {
                let head = if number < 2 {
                    format!("HTTP/1.1 429 Too Many Requests\r\nRetry-After: {seconds}\r\n")
                } else {
                    "HTTP/1.1 200 OK\r\n".to_owned()
                };
                write!(stream, "{head}Content-Length: 2\r\n{CLOSE}\r\n{{}}")
            })
        };
        let mut client = Client::new(&refused(1)).unwrap();
        let error = client.create("note", &Value::Null).await.unwrap_err();
        assert_eq!(error.status(), Some(429), "unless it is asked for, nobody waits");
        client.wait_when_told(Duration::from_secs(10));
        let begun = Instant::now();
        client.create("note", &Value::Null).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
        let mut client = Client::new(&refused(100)).unwrap();
        client.wait_when_told(Duration::from_secs(10));
        assert_eq!(client.info().await.unwrap_err().status(), Some(429), "that is too long");
    }

    #[tokio::test]
    async fn a_server_that_has_gone_is_waited_for() {
        // Every second request finds it gone.
        let address = serving(|number, stream| {
            if number % 2 == 1 {
                return Ok(());
            }
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{CLOSE}\r\n{{}}")
        });
        let mut client = Client::new(&address).unwrap();
        client.info().await.unwrap();
        let gone = client.info().await.unwrap_err().to_string();
        assert!(gone.contains("it was there before") && !gone.contains("https"), "{gone}");
        client.wait_when_away();
        client.info().await.unwrap();
        client.info().await.unwrap();
        // What may have been done is not done twice, unless the server knows that.
        client.create("note", &Value::Null).await.unwrap_err();
        client.info().await.unwrap();
        client.create_once("note", &Value::Null, "key").await.unwrap();
    }

    /// A server that answers each request with the same lines, and what it was sent.
    fn answering(answer: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sent, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let count = stream.read(&mut request).unwrap_or(0);
                if sent.send(String::from_utf8_lossy(&request[..count]).into_owned()).is_err() {
                    return;
                }
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (address, seen)
    }

    #[tokio::test]
    async fn nobody_is_followed_elsewhere() {
        let (thief, stolen) =
            answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        for status in ["301", "302", "303", "307", "308"] {
            let head = format!(
                "HTTP/1.1 {status} Elsewhere\r\nLocation: {thief}/steal\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let (address, asked) = answering(head.leak());
            let mut client = Client::new(&address).unwrap();
            client.set_token("tokk");
            for error in [
                client.info().await.map(drop).unwrap_err(),
                client.authenticate("bob", "hunter2x", None).await.map(drop).unwrap_err(),
            ] {
                assert_eq!(error.status(), Some(status.parse().unwrap()));
                assert!(error.to_string().contains(&format!("{thief}/steal")), "{error}");
            }
            assert!(asked.recv().unwrap().contains("tokk"));
        }
        assert!(stolen.try_recv().is_err(), "nothing came there");
    }
}
