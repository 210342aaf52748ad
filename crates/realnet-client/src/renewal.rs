//! Tokens end, and what takes longer than one goes on with the next: whoever has the login gives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use crate::client::Client;

/// How long the token at hand is taken for good when there was no other one.
const AGAIN: Duration = Duration::from_secs(5);

/// A token, and how long it may be used.
#[derive(Clone)]
pub struct Lease {
    /// The token.
    pub token: String,
    /// For how long from now on.
    pub lasts: Duration,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease(lasts {:?})", self.lasts)
    }
}

/// Gives a token in the place of one that has ended.
type Renew = dyn Fn(String) -> BoxFuture<'static, Option<Lease>> + Send + Sync;

/// The token at hand, and where the next one comes from.
pub(crate) struct Renewal {
    renew: Box<Renew>,
    held: Mutex<Held>,
}

struct Held {
    token: String,
    until: Instant,
}

impl Renewal {
    /// The token to use now.
    pub(crate) async fn token(&self) -> String {
        let mut held = self.held.lock().await;
        if Instant::now() >= held.until {
            self.renew(&mut held).await;
        }
        held.token.clone()
    }

    /// Whether there is another token than the one that was refused.
    pub(crate) async fn is_renewed(&self, refused: &str) -> bool {
        let mut held = self.held.lock().await;
        if held.token == refused {
            self.renew(&mut held).await;
        }
        held.token != refused
    }

    /// Of several calls at once, one renews, and the others wait for it.
    async fn renew(&self, held: &mut Held) {
        let (token, lasts) = match (self.renew)(held.token.clone()).await {
            Some(lease) => (lease.token, lease.lasts),
            // The server says what is wrong with the old one.
            None => (std::mem::take(&mut held.token), AGAIN),
        };
        *held = Held { token, until: Instant::now() + lasts };
    }
}

impl Client {
    /// Uses a token as long as it lasts, and then what `renew` gives in its place, as often as it takes. When that has nothing, the
    /// server says what is wrong with the token. Signing in or out ends this.
    pub fn set_lease<F>(&mut self, lease: Lease, renew: impl Fn(String) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Option<Lease>> + Send + 'static,
    {
        let held = Held { token: lease.token.clone(), until: Instant::now() + lease.lasts };
        self.set_token(lease.token);
        let renew = Box::new(move |token: String| renew(token).boxed());
        self.renewal = Some(Arc::new(Renewal { renew, held: Mutex::new(held) }));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A server that knows the token `t2` alone.
    fn serving() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), String::new());
                while !head.contains("\r\n\r\n") || (head.contains("chunked") && !head.ends_with("0\r\n\r\n"))
                {
                    let mut request = [0; 4096];
                    let count = stream.read(&mut request).unwrap();
                    assert!(count > 0, "a whole request");
                    head += &String::from_utf8_lossy(&request[..count]).to_lowercase();
                }
                let is_known = head.contains("authorization: bearer t2\r\n")
                    && head.matches("authorization:").count() == 1;
                let status = if is_known { "200 OK" } else { "401 Unauthorized" };
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            }
        });
        address
    }

    /// A client with a token, and what gives the next ones: `t1`, `t2` and so on. How often it did.
    fn client(lasts: Duration) -> (Client, Arc<AtomicUsize>) {
        let mut client = Client::new(&serving()).unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let lease = |number: usize, lasts| Lease { token: format!("t{number}"), lasts };
        client.set_lease(lease(0, lasts), move |ended| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            assert_eq!(ended, format!("t{}", number - 1));
            std::future::ready((number < 3).then(|| lease(number, Duration::from_mins(10))))
        });
        (client, asked)
    }

    #[tokio::test]
    async fn a_token_that_has_ended_is_renewed() {
        // Refused: by two others at most, of which the second is good.
        let (client, asked) = client(Duration::from_mins(10));
        client.info().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        // From there on it is used, by copies as well, however many calls there are at once.
        let copy = client.clone();
        let (one, two) = tokio::join!(client.info(), copy.get("note", "x"));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_token_is_renewed_before_it_ends() {
        let (client, asked) = client(Duration::ZERO);
        let body = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))]);
        // What can not be sent again is sent with a token that is thought to be good: here the second one, which is refused, too.
        client.append_upload("x", 0, body).await.unwrap_err();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_can_not_be_sent_again_finds_the_next_token_the_next_time() {
        let (client, asked) = client(Duration::from_mins(10));
        // The second renewal gives the good one; what is answered then is no upload.
        for expected in [Some(401), Some(401), None] {
            let body = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))]);
            let error = client.append_upload("x", 0, body).await.unwrap_err();
            assert_eq!(error.status(), expected, "{error}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_can_not_be_renewed_is_refused() {
        let mut client = Client::new(&serving()).unwrap();
        let lease = Lease { token: "secret".to_owned(), lasts: Duration::from_mins(1) };
        assert!(!format!("{lease:?}").contains("secret"));
        client.set_lease(lease, |_| std::future::ready(None));
        assert_eq!(client.info().await.unwrap_err().status(), Some(401));
        client.set_token("t2");
        client.info().await.unwrap();
    }
}
