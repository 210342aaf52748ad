//! A mail server of the tests' own: it speaks SMTP and keeps what it gets.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use realnet_resource_accounts::MailConfig;

/// A mail as it came in: to whom, and its text.
#[derive(Debug)]
pub struct Letter {
    pub to: String,
    pub text: String,
}

impl Letter {
    /// The token in its link.
    pub fn token(&self) -> String {
        let after = self.text.split_once("#token=").unwrap_or_else(|| panic!("no link in {}", self.text)).1;
        after.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect()
    }
}

pub struct MailServer {
    port: u16,
    letters: Receiver<Letter>,
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, letters) = channel();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    for letter in serve(socket.unwrap()) {
                        // Nobody waits for it when the test is over.
                        let _ = sender.send(letter);
                    }
                });
            }
        });
        Self { port, letters }
    }

    pub fn config(&self) -> MailConfig {
        MailConfig {
            smtp: Some(format!("smtp://127.0.0.1:{}", self.port)),
            from: Some("RealNet <realnet@first.test>".to_owned()),
            public_url: Some("https://app.test".parse().unwrap()),
        }
    }

    /// The next mail, waited for.
    pub async fn next(&self) -> Letter {
        for _ in 0..2000 {
            if let Ok(letter) = self.letters.try_recv() {
                return letter;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no mail came")
    }

    /// Whether no mail has come by now.
    pub fn is_empty(&self) -> bool {
        self.letters.try_recv().is_err()
    }
}

/// Serves one connection to its end.
fn serve(mut socket: TcpStream) -> Vec<Letter> {
    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
    let mut letters = Vec::new();
    let mut to = String::new();
    socket.write_all(b"220 test\r\n").unwrap();
    while let Some(Ok(line)) = lines.next() {
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250 test\r\n",
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap().clone_into(&mut to);
                b"250 ok\r\n"
            }
            "DATA" => {
                socket.write_all(b"354 go on\r\n").unwrap();
                let text: Vec<String> =
                    lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                // Quoted-printable: soft line breaks join.
                let text = text.join("\n").replace("=\n", "").replace("=3D", "=");
                letters.push(Letter { to: to.clone(), text });
                b"250 ok\r\n"
            }
            "QUIT" => {
                let _ = socket.write_all(b"221 bye\r\n");
                break;
            }
            _ => b"250 ok\r\n",
        };
        if socket.write_all(answer).is_err() {
            break;
        }
    }
    letters
}
