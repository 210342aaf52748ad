//! Several servers on one database: what is taken away by one of them is gone on all of them within a second.
//!
//! One server takes away, others are asked until they refuse: one that hears the database's notifications, one that hears none
//! of them, and one on whose connection for such things nothing comes or goes any more, without a word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod deaf;
mod ways;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{ADMIN, Server, Settings};
use deaf::{Deaf, Loss};
use reqwest::Method;
use serde_json::{Value, json};
use ways::Way;

/// A request that is sent later than this after the answer to who took something away is refused.
const BOUND: Duration = Duration::from_secs(1);

/// The servers, and how to reach them.
struct Place {
    http: reqwest::Client,
    first: Server,
    /// One that is told, one that is not, and one that hears nothing at all.
    others: [Server; 3],
    ways: [Deaf; 2],
    root: String,
    // Behind the servers: they end first.
    _database: realnet_testkit::engines::TestDatabase,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn start() -> Self {
        let database = realnet_testkit::engines::fresh_database().await.unwrap();
        let quiet = Deaf::before(database.url(), Loss::Notifications).await;
        let ways = [quiet, Deaf::before(database.url(), Loss::Background).await];
        let (guard, folder) = common::folder();
        let start = |url: &str| {
            let mut settings: Settings = common::postgres_settings(url);
            settings.push(("REALNET_SECRET_KEY".to_owned(), SECRET.to_owned()));
            Server::start_with(&folder, &settings)
        };
        let first = start(database.url());
        let others = [database.url(), &ways[0].url, &ways[1].url].map(start);
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&first.address).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let root = String::new();
        let mut place = Self { http, first, others, ways, root, _database: database, _folder: guard };
        place.root = place.sign_in(ADMIN.0, ADMIN.1).await;
        place
    }

    /// A request to the first server that must succeed, by its administrator.
    async fn must(&self, method: &str, path: &str, body: Value) -> Value {
        self.must_as(&self.root, method, path, body).await
    }

    async fn must_as(&self, token: &str, method: &str, path: &str, body: Value) -> Value {
        let (status, text) = self.send(&self.first, token, method, path, &body).await;
        assert!(status < 300, "{method} {path} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn sign_in(&self, username: &str, password: &str) -> String {
        let login = json!({"username": username, "password": password});
        let answer = self.must_as("", "POST", "/api/auth", login).await;
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn send(
        &self,
        server: &Server,
        token: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, String) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", server.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Whether a way in is open on a server.
    async fn is_open(&self, server: &Server, way: &Way) -> bool {
        let (status, text) = self.send(server, &way.token, "GET", &way.path, &Value::Null).await;
        match status {
            200 => true,
            401 | 403 | 404 => false,
            _ => panic!("{}: {status} {text}", way.name),
        }
    }

    /// Asks without a pause until a way is closed, beginning before it is taken away, so that the server remembers who comes. Answers
    /// how long after `taken` the last request was sent that came through.
    async fn closes(&self, server: &Server, way: &Way, taken: &OnceLock<Instant>) -> Duration {
        let mut last = Instant::now();
        loop {
            let sent = Instant::now();
            if !self.is_open(server, way).await {
                return taken.get().map_or(Duration::ZERO, |taken| last.saturating_duration_since(*taken));
            }
            last = sent;
            let since = taken.get().map_or(Duration::ZERO, |taken| last.saturating_duration_since(*taken));
            assert!(since < BOUND, "{}: still open after {since:?}", way.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The servers of a database seal with the same key.
const SECRET: &str = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_is_gone_everywhere_within_a_second() {
    let place = Place::start().await;
    let all = ways::all(&place).await;
    place.ways.iter().for_each(Deaf::cut);
    for way in all {
        let [told, not_told, deaf] = &place.others;
        let servers = [&place.first, told, not_told, deaf];
        for (number, server) in servers.into_iter().enumerate() {
            let opened = Instant::now();
            // What has just been given arrives as soon.
            while !place.is_open(server, &way).await {
                assert!(
                    opened.elapsed() < Duration::from_secs(10),
                    "{}: is not open on server {number}",
                    way.name
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let taken = OnceLock::new();
        let [at_once, told, not_told, deaf] = servers.map(|server| place.closes(server, &way, &taken));
        let take_away = async {
            way.take_away(&place).await;
            taken.set(Instant::now()).expect("it is taken away once");
        };
        let ((), at_once, told, not_told, deaf) = tokio::join!(take_away, at_once, told, not_told, deaf);
        eprintln!("{:45} {at_once:>9.1?} {told:>9.1?} {not_told:>9.1?} {deaf:>9.1?}", way.name);
        assert!(at_once.is_zero(), "{}: open for {at_once:?} where it was taken away", way.name);
    }
    assert!(place.ways.iter().all(|way| way.swallowed() > 0), "nothing was held back");
}
