//! Small services of HTTP, which lend credentials as AWS's do and note what they were asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request: its first line, its heads in lower case, its body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub heads: String,
    pub body: String,
}

type Answer = dyn Fn(&Asked) -> (u16, String) + Send + Sync;

pub struct Stub {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Stub {
    pub async fn start(answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer): (_, Arc<Answer>) = (Arc::clone(&asked), Arc::new(answer));
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move { serve(socket, &noted, &*answer).await });
            }
        });
        Self { url, asked, accepting }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut socket: TcpStream, noted: &Mutex<Vec<Asked>>, answer: &Answer) {
    let mut text = String::new();
    let mut piece = [0; 4096];
    let asked = loop {
        let Ok(length) = socket.read(&mut piece).await else { return };
        if length == 0 {
            return;
        }
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (line, heads) = head.split_once("\r\n").unwrap_or((head, ""));
        let heads = heads.to_ascii_lowercase();
        let length = heads.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break Asked { line: line.to_owned(), heads, body: body.to_owned() };
        }
    };
    let (status, body) = answer(&asked);
    noted.lock().unwrap().push(asked);
    let head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = socket.shutdown().await;
}
