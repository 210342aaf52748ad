//! Two orgs on one server, whose members try everything with what is the other's: random requests, one after the other, on
//! every store. Nothing of the other org may show in an answer, nothing addressed at it may succeed, and after each round the
//! other org is as it was, down to the newest line of its audit.
//!
//! `REALNET_SOAK_OPERATIONS` says how many requests each store gets; `cargo xtask soak tenants` sends a hundred thousand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod ask;
mod chance;
#[path = "../common/mod.rs"]
mod common;
mod org;

use std::time::Duration;

use ask::Asked;
use chance::Chance;
use common::{ADMIN, Server, Settings};
use org::Org;
use reqwest::Method;
use serde_json::{Value, json};

/// How many requests each store gets unless a soak says more.
const OPERATIONS: u64 = 2000;

/// After how many requests it is the other org's turn, and what it has is looked at.
const TURN: u64 = 100;

/// A server and how to reach it.
struct Place {
    _folder: tempfile::TempDir,
    server: Server,
    http: reqwest::Client,
}

/// An answer.
struct Answer {
    status: u16,
    total: Option<String>,
    text: String,
}

impl Place {
    fn start(settings: &Settings) -> Self {
        let (guard, folder) = common::folder();
        // Nobody signs in anew in the middle of a soak.
        let life = ("REALNET_TOKEN_TTL".to_owned(), "86400".to_owned());
        let server = Server::start_with(&folder, &settings.iter().cloned().chain([life]).collect());
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&server.address).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        Self { _folder: guard, server, http }
    }

    async fn send(&self, token: &str, asked: &Asked) -> Answer {
        let request =
            self.http.request(asked.method.clone(), format!("{}{}", self.server.address, asked.path));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = if asked.body.is_null() { request } else { request.json(&asked.body) };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
        let total = answer.headers().get("content-range").map(|value| value.to_str().unwrap().to_owned());
        Answer { status: answer.status().as_u16(), total, text: answer.text().await.unwrap() }
    }

    /// What must succeed, as JSON.
    async fn must(&self, token: &str, method: Method, path: &str, body: Value) -> Value {
        let asked = Asked { method, path: path.to_owned(), body, is_foreign: false };
        let answer = self.send(token, &asked).await;
        assert!(answer.status < 300, "{asked:?}: {} {}", answer.status, answer.text);
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    async fn sign_in(&self, username: &str, password: &str, org: Option<&str>) -> String {
        let login = json!({"username": username, "password": password, "org": org});
        let answer = self.must("", Method::POST, "/api/auth", login).await;
        answer["token"].as_str().unwrap().to_owned()
    }
}

/// Sends random requests, the orgs taking turns.
async fn try_everything(settings: &Settings, seed: u64) {
    let operations = std::env::var("REALNET_SOAK_OPERATIONS").ok();
    let operations = operations.map_or(OPERATIONS, |text| text.parse().expect("a number of requests"));
    let place = Place::start(settings);
    let root = place.sign_in(ADMIN.0, ADMIN.1, None).await;
    place.must(&root, Method::POST, "/api/types", org::paper_type()).await;
    let mut orgs = [Org::make(&place, &root, "alpha").await, Org::make(&place, &root, "beta").await];
    let mut chance = Chance::new(seed);
    for turn in 0..operations.div_ceil(TURN) {
        orgs.rotate_left(1);
        let [own, other] = &mut orgs;
        let before = other.state(&place).await;
        let mut log = Vec::new();
        for _ in 0..TURN {
            let member = chance.below(own.tokens.len());
            let asked = ask::any(&mut chance, own, other);
            let answer = place.send(&own.tokens[member], &asked).await;
            judge(own, other, &asked, &answer);
            own.learn(&asked, answer.status, &answer.text);
            log.push(format!("{member} {} {} {} -> {}", asked.method, asked.path, asked.body, answer.status));
        }
        let after = other.state(&place).await;
        assert!(
            before == after,
            "seed {seed}, turn {turn}: {} has changed after\n{}",
            other.name,
            log.join("\n")
        );
        if turn % 100 == 99 {
            eprintln!("{} requests", (turn + 1) * TURN);
        }
    }
    for org in &orgs {
        assert!(org.succeeded > operations / 20, "{}: only {} requests succeeded", org.name, org.succeeded);
    }
}

/// What no answer may be.
fn judge(own: &Org, other: &Org, asked: &Asked, answer: &Answer) {
    let Answer { status, total, text } = answer;
    let words = format!("{} {} {} -> {status} {text}", asked.method, asked.path, asked.body);
    assert!(*status != 401 && *status < 500, "{}: {words}", own.name);
    // A refusal may repeat what was asked.
    let is_told = text.to_lowercase().contains(&other.mark) && (*status < 300 || !asked.names(&other.mark));
    assert!(!is_told, "{} is told of {}: {words}", own.name, other.name);
    if asked.is_foreign && *status < 300 {
        assert!(
            matches!(text.as_str(), "[]" | "{\"affected\":0}"),
            "{} reaches {}: {words}",
            own.name,
            other.name
        );
        let none = total.as_ref().is_none_or(|total| total.ends_with("/0"));
        assert!(none, "{} counts what {} has: {total:?} {words}", own.name, other.name);
    }
}

fn embedded(kind: &str) -> Settings {
    vec![("REALNET_DB_TYPE".to_owned(), kind.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    try_everything(&embedded("memory"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    try_everything(&embedded("sqlite"), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    try_everything(&common::postgres_settings(database.url()), 3).await;
}
