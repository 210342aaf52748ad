//! `realnet login --oidc NAME`: a person signs in with a browser, which brings the outcome to this program (RFC 8252): it
//! listens on an address of this machine for as long as that takes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_client::Client;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::{Failure, output};

/// How long a person may take: as long as the server waits.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long a connection may take to say what it wants.
const READING: Duration = Duration::from_secs(10);
/// So many connections are heard at a time: browsers open some that they do not need.
const AT_ONCE: usize = 16;
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Where the browser is sent.
const PATH: &str = "/signed-in";

/// What the session is given for: what the browser has brought, and the verifier of it.
pub struct Proof {
    pub code: String,
    pub verifier: String,
}

/// Lets a person sign in at the provider of a name or id.
pub async fn prove(client: &Client, name: &str, org: Option<&str>) -> Result<Proof, Failure> {
    let provider = find(&client.providers(org).await?, name)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (verifier, state) = (random(), random());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let here = format!("http://{}{PATH}?state={state}", listener.local_addr()?);
    let page = client.sign_in_page(&provider, &here, &challenge)?;
    output::error(&format!("open this page in your browser, on this machine: {page}"));
    let outcome = tokio::time::timeout(PATIENCE, wait(&listener, &state)).await;
    let code = outcome.map_err(|_| "nobody has signed in within ten minutes: begin again")??;
    Ok(Proof { code, verifier })
}

/// The id of a provider.
fn find(providers: &Value, name: &str) -> Result<String, Failure> {
    let of = |provider: &Value, key: &str| provider[key].as_str().unwrap_or_default().to_owned();
    let all: Vec<&Value> = providers.as_array().into_iter().flatten().collect();
    let is_meant = |provider: &&&Value| {
        of(provider, "id") == name || of(provider, "name").to_lowercase() == name.to_lowercase()
    };
    let found: Vec<&&Value> = all.iter().filter(is_meant).collect();
    match found.as_slice() {
        [provider] => Ok(of(provider, "id")),
        [] if all.is_empty() => Err("people of this org sign in by password only: leave --oidc out".into()),
        [] => {
            let names: Vec<String> = all.iter().map(|provider| of(provider, "name")).collect();
            Err(format!("there is no provider {name}; there is {}", names.join(", ")).into())
        }
        several => {
            let ids: Vec<String> = several.iter().map(|provider| of(provider, "id")).collect();
            Err(format!("several providers are called {name}: give the id of one, {}", ids.join(" or "))
                .into())
        }
    }
}

/// Waits for the browser, whoever else may come: who says nothing keeps no other waiting.
async fn wait(listener: &TcpListener, state: &str) -> Result<String, Failure> {
    let mut heard = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if heard.len() < AT_ONCE => {
                let (socket, _) = accepted?;
                heard.spawn(hear(socket, state.to_owned()));
            }
            Some(done) = heard.join_next() => {
                if let Ok(Some(outcome)) = done {
                    return outcome.map_err(Into::into);
                }
            }
        }
    }
}

/// What somebody brings who has connected; nothing if it is not what is waited for.
async fn hear(mut socket: TcpStream, state: String) -> Option<Result<String, String>> {
    let head = tokio::time::timeout(READING, head(&mut socket)).await.ok().flatten().unwrap_or_default();
    let Some(outcome) = outcome(&head, &state) else {
        answer(&mut socket, "404 Not Found", "There is nothing here.").await;
        return None;
    };
    let words = match &outcome {
        Ok(_) => "You are signed in. You can close this page and go back to the terminal.",
        Err(_) => "You are not signed in. The terminal says why.",
    };
    answer(&mut socket, "200 OK", words).await;
    Some(outcome)
}

/// The first line and the headers of a request.
async fn head(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if bytes.len() > MAX_HEAD || socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The code that a request brings, or why there is none; nothing if it is not the one that is waited for.
fn outcome(head: &str, state: &str) -> Option<Result<String, String>> {
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    let value = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    if url.path() != PATH || value("state")? != state {
        return None;
    }
    // What comes by the address is shown on a terminal, so it is words only.
    let plain =
        |text: String| text.chars().filter(|letter| !letter.is_control()).take(200).collect::<String>();
    let refused = || {
        plain(value("error_description").or(value("error")).unwrap_or_else(|| "there is no code".to_owned()))
    };
    Some(value("code").ok_or_else(refused))
}

async fn answer(socket: &mut TcpStream, status: &str, words: &str) {
    let length = words.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{words}"
    );
    // A browser that has gone already does not need to be told.
    let _ = socket.write_all(text.as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn providers_are_found_by_name_and_id() {
        let providers = json!([{"id": "1", "name": "Example"}, {"id": "2", "name": "Other"}, {"id": "3", "name": "other"}]);
        assert_eq!(find(&providers, "example").unwrap(), "1");
        assert_eq!(find(&providers, "3").unwrap(), "3");
        assert!(find(&providers, "other").unwrap_err().to_string().ends_with("give the id of one, 2 or 3"));
        assert!(find(&providers, "none").unwrap_err().to_string().contains("Example"));
        assert!(find(&json!([]), "none").unwrap_err().to_string().contains("password"));
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_keeps_no_other_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connect = || TcpStream::connect(listener.local_addr().unwrap());
        let _silent = connect().await.unwrap();
        let mut browser = connect().await.unwrap();
        browser.write_all(b"GET /signed-in?state=s&code=c HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let code = tokio::time::timeout(READING / 2, wait(&listener, "s")).await.unwrap().unwrap();
        assert_eq!(code, "c");
    }

    #[test]
    fn only_the_browser_that_was_sent_out_is_heard() {
        let of = |target: &str| outcome(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"), "s");
        assert_eq!(of("/signed-in?state=s&code=c"), Some(Ok("c".to_owned())));
        let refused = of("/signed-in?state=s&error=access_denied&error_description=no%1b%5b31m");
        assert_eq!(refused, Some(Err("no[31m".to_owned())));
        for other in [
            "/signed-in?state=x&code=c",
            "/signed-in?code=c",
            "/favicon.ico",
            "/?state=s&code=c",
            "//evil.test/",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(outcome("POST /signed-in?state=s&code=c HTTP/1.1\r\n\r\n", "s"), None);
    }
}
