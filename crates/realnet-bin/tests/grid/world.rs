//! Two orgs, the callers, and what is asked about.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{self, ADMIN, Server, Settings};

/// The password of every account but the first.
pub const PASSWORD: &str = "some long password";

const ALL_PERMISSIONS: [&str; 7] = ["create", "read", "write", "delete", "execute", "message", "share"];

/// Who asks. All but the foreign ones belong to the first org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// Without a token.
    Nobody,
    /// A user of another org.
    Foreigner,
    /// An administrator of another org.
    ForeignAdmin,
    /// A visitor.
    Visitor,
    /// A user to whom nothing was granted.
    Member,
    /// A user who may read the thing.
    Reader,
    /// One who may also write it.
    Writer,
    /// One who may read and delete it.
    Deleter,
    /// One who may read and share it.
    Sharer,
    /// A user whose own it is.
    Owner,
    /// A key of the owner that may only read papers.
    OwnerKey,
    /// An administrator.
    Admin,
    /// A key of the administrator, for everything.
    AdminKey,
    /// The superuser.
    Superuser,
}

impl Actor {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 14] = [
        Self::Nobody,
        Self::Foreigner,
        Self::ForeignAdmin,
        Self::Visitor,
        Self::Member,
        Self::Reader,
        Self::Writer,
        Self::Deleter,
        Self::Sharer,
        Self::Owner,
        Self::OwnerKey,
        Self::Admin,
        Self::AdminKey,
        Self::Superuser,
    ];

    /// The username, which is also the head of the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Foreigner => "foreigner",
            Self::ForeignAdmin => "foreign-admin",
            Self::Visitor => "visitor",
            Self::Member => "member",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Deleter => "deleter",
            Self::Sharer => "sharer",
            Self::Owner => "owner",
            Self::OwnerKey => "owner-key",
            Self::Admin => "chief",
            Self::AdminKey => "chief-key",
            Self::Superuser => ADMIN.0,
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Admin | Self::ForeignAdmin => "admin",
            _ => "user",
        }
    }

    /// The one whose key this is, with the scope of it.
    fn holder(self) -> Option<(Self, Value)> {
        match self {
            Self::OwnerKey => Some((Self::Owner, json!([{"resource": "papers", "permissions": ["read"]}]))),
            Self::AdminKey => Some((Self::Admin, json!([{"resource": "*", "permissions": ALL_PERMISSIONS}]))),
            _ => None,
        }
    }

    const fn is_foreign(self) -> bool {
        matches!(self, Self::Foreigner | Self::ForeignAdmin)
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A server with two orgs and an account for each actor.
pub struct World {
    _folder: tempfile::TempDir,
    server: Server,
    http: reqwest::Client,
    tokens: BTreeMap<Actor, String>,
    accounts: BTreeMap<Actor, String>,
    /// The id of the first org.
    pub org: String,
    /// The id of the other org.
    pub other_org: String,
    count: AtomicU64,
}

impl World {
    /// Starts the server and makes everything.
    pub async fn make(settings: &Settings) -> Self {
        let (guard, folder) = common::folder();
        let mut settings = settings.clone();
        // Wrong passwords are part of what is asked.
        // Passkeys are bound to the name in it.
        settings.push(("REALNET_PUBLIC_URL".to_owned(), "http://localhost".to_owned()));
        for limit in ["REALNET_SIGN_IN_ATTEMPTS", "REALNET_SIGN_IN_ATTEMPTS_PER_ADDRESS"] {
            settings.push((limit.to_owned(), "1000".to_owned()));
        }
        let server = Server::start_with(&folder, &settings);
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&server.address).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        let mut world = Self {
            _folder: guard,
            server,
            http,
            tokens: BTreeMap::new(),
            accounts: BTreeMap::new(),
            org: String::new(),
            other_org: String::new(),
            count: AtomicU64::new(0),
        };
        world.sign_in(Actor::Superuser).await;
        let own = world.superuser(Method::GET, "/api/auth", &Value::Null).await;
        world.org = text_at(&own, "/account/org").unwrap_or_else(|| panic!("no org: {own}"));
        let id = text_at(&own, "/account/id").unwrap_or_else(|| panic!("no id: {own}"));
        world.accounts.insert(Actor::Superuser, id);
        world.other_org = world.id("/api/orgs", &json!({"name": "Elsewhere"})).await;
        world.superuser(Method::POST, "/api/types", &paper_type()).await;
        for actor in Actor::ALL {
            match actor.holder() {
                Some((holder, scopes)) => world.take_key(actor, holder, &scopes).await,
                None if matches!(actor, Actor::Nobody | Actor::Superuser) => {}
                None => world.settle(actor).await,
            }
        }
        world
    }

    async fn take_key(&mut self, actor: Actor, holder: Actor, scopes: &Value) {
        let body = json!({"name": actor.name(), "scopes": scopes});
        let made = self.must(holder, Method::POST, "/api/keys", &body).await;
        let key = text_at(&made, "/key").unwrap_or_else(|| panic!("no key: {made}"));
        self.tokens.insert(actor, key);
        self.accounts.insert(actor, self.accounts[&holder].clone());
    }

    async fn settle(&mut self, actor: Actor) {
        let org = if actor.is_foreign() { &self.other_org } else { &self.org };
        let account = json!({
            "username": actor.name(), "password": PASSWORD, "role": actor.role(), "org": org,
        });
        let id = self.id("/api/accounts", &account).await;
        self.accounts.insert(actor, id);
        self.sign_in(actor).await;
    }

    /// Gives an actor a new token.
    pub async fn sign_in(&mut self, actor: Actor) {
        let token = self.new_token(actor).await;
        self.tokens.insert(actor, token);
    }

    /// A token of a session of its own; a key has none.
    pub async fn new_token(&self, actor: Actor) -> String {
        if actor.holder().is_some() {
            return self.token(actor).to_owned();
        }
        let password = if actor == Actor::Superuser { ADMIN.1 } else { PASSWORD };
        let mut login = json!({"username": actor.name(), "password": password});
        if actor.is_foreign() {
            login["org"] = json!("Elsewhere");
        }
        let answer = self.send("", Method::POST, "/api/auth", &login).await;
        answer.json()["token"].as_str().unwrap_or_else(|| panic!("{actor:?}: {}", answer.text)).to_owned()
    }

    /// The id of an actor's account, empty for nobody.
    pub fn account(&self, actor: Actor) -> &str {
        self.accounts.get(&actor).map_or("", String::as_str)
    }

    /// The token of an actor, empty for nobody.
    pub fn token(&self, actor: Actor) -> &str {
        self.tokens.get(&actor).map_or("", String::as_str)
    }

    /// A name that nothing else has.
    pub fn fresh(&self, what: &str) -> String {
        format!("{what}-{:06}-mark", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends a request; without a token when it is empty, without a body when it is null.
    pub async fn send(&self, token: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.server.address));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = match body {
            Value::Null => request,
            // The one body that is an array of operations on an item.
            Value::Array(steps) if steps.first().is_some_and(|step| step.get("op").is_some()) => {
                request.header("Content-Type", "application/json-patch+json").body(body.to_string())
            }
            body => request.json(body),
        };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = answer.status().as_u16();
        Answer { status, text: answer.text().await.unwrap_or_else(|error| panic!("{path}: {error}")) }
    }

    /// Begins an upload in several requests, and gives its id.
    pub async fn begin_upload(&self, actor: Actor) -> String {
        let request = self.http.post(format!("{}/api/uploads", self.server.address));
        let request = request.bearer_auth(self.token(actor)).header("Upload-Length", "5");
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").unwrap_or_else(|| panic!("{}", answer.status()));
        location.to_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    /// Sends a request as the superuser, which must succeed.
    pub async fn superuser(&self, method: Method, path: &str, body: &Value) -> Value {
        self.must(Actor::Superuser, method, path, body).await
    }

    /// Sends a request that must succeed.
    pub async fn must(&self, actor: Actor, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.send(self.token(actor), method.clone(), path, body).await;
        assert!(answer.status < 300, "{actor:?}: {method} {path} {body}: {} {}", answer.status, answer.text);
        answer.json()
    }

    /// Creates something as the superuser and gives its id.
    pub async fn id(&self, path: &str, body: &Value) -> String {
        let created = self.superuser(Method::POST, path, body).await;
        text_at(&created, "/id").unwrap_or_else(|| panic!("{path}: {created}"))
    }
}

fn text_at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// What the items that are asked about are.
fn paper_type() -> Value {
    json!({
        "name": "Paper",
        "endpoint": "papers",
        "fields": [
            {"name": "title", "type": "string"},
            {"name": "about", "type": "reference", "reference": "Paper", "on_delete": "clear"},
            {"name": "wage", "type": "integer", "read": ["admin"], "write": ["admin"]},
        ],
    })
}
