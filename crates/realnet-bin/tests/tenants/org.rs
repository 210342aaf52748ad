//! An org, its members, and what it has.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Place;
use crate::ask::Asked;

const PASSWORD: &str = "some long password";

/// The most papers of an org: then the oldest are forgotten here, and stay where they are.
const REMEMBERED: usize = 200;

/// An org as its members know it.
pub struct Org {
    /// Its name.
    pub name: &'static str,
    /// Stands in the name of everything it has, and nowhere else; in lower case.
    pub mark: String,
    /// Its id.
    pub id: String,
    /// Tokens of an administrator, two users and a visitor.
    pub tokens: Vec<String>,
    /// Ids of accounts, those of the members first.
    pub accounts: Vec<String>,
    /// Ids of papers that there are, or were.
    pub papers: Vec<String>,
    /// Ids of groups.
    pub groups: Vec<String>,
    /// How many requests its members had answered with what they wanted.
    pub succeeded: u64,
    count: u64,
}

impl Org {
    pub async fn make(place: &Place, root: &str, name: &'static str) -> Self {
        let created = place.must(root, Method::POST, "/api/orgs", json!({"name": name})).await;
        let mut org = Self {
            name,
            mark: format!("{name}_secret"),
            id: id(&created),
            tokens: Vec::new(),
            accounts: Vec::new(),
            papers: Vec::new(),
            groups: Vec::new(),
            succeeded: 0,
            count: 0,
        };
        for role in ["admin", "user", "user", "visitor"] {
            let username = org.fresh();
            let account = json!({"username": username, "password": PASSWORD, "role": role, "org": org.id});
            org.accounts.push(id(&place.must(root, Method::POST, "/api/accounts", account).await));
            org.tokens.push(place.sign_in(&username, PASSWORD, Some(name)).await);
        }
        let admin = org.tokens[0].clone();
        for _ in 0..5 {
            let paper = json!({"name": org.fresh(), "title": org.fresh()});
            org.papers.push(id(&place.must(&admin, Method::POST, "/api/papers", paper).await));
            let group = json!({"name": org.fresh()});
            org.groups.push(id(&place.must(&admin, Method::POST, "/api/groups", group).await));
            let account = json!({"username": org.fresh(), "password": PASSWORD});
            org.accounts.push(id(&place.must(&admin, Method::POST, "/api/accounts", account).await));
        }
        let kind = json!({"name": format!("{}_type", org.mark), "base": "Item"});
        place.must(&admin, Method::POST, "/api/types", kind).await;
        org
    }

    /// A name that nothing has yet.
    pub fn fresh(&mut self) -> String {
        self.count += 1;
        format!("{}_{}", self.mark, self.count)
    }

    /// All that the org has, and the newest line of its audit: any write would show in it.
    pub async fn state(&self, place: &Place) -> Vec<String> {
        let mut state = Vec::new();
        let kind = format!("/api/types/{}_type", self.mark);
        for path in ["/api/items?limit=1000&order=updated_at.desc&count=exact", "/api/audit?limit=1", &kind] {
            let asked =
                Asked { method: Method::GET, path: path.to_owned(), body: Value::Null, is_foreign: false };
            let answer = place.send(&self.tokens[0], &asked).await;
            assert!(answer.status == 200, "{path}: {} {}", answer.status, answer.text);
            state.push(format!("{:?} {}", answer.total, answer.text));
        }
        state
    }

    /// Keeps the ids of what was made.
    pub fn learn(&mut self, asked: &Asked, status: u16, text: &str) {
        self.succeeded += u64::from(status < 300 && !asked.is_foreign);
        if status != 201 {
            return;
        }
        let created = id(&serde_json::from_str(text).unwrap());
        let kept = match asked.path.as_str() {
            "/api/accounts" => &mut self.accounts,
            "/api/groups" => &mut self.groups,
            "/api/papers" => &mut self.papers,
            _ => return,
        };
        kept.push(created);
        if kept.len() > REMEMBERED {
            // The members stay.
            kept.remove(4);
        }
    }
}

fn id(created: &Value) -> String {
    created["id"].as_str().unwrap_or_else(|| panic!("no id: {created}")).to_owned()
}

/// The type of what both orgs have.
pub fn paper_type() -> Value {
    json!({
        "name": "Paper",
        "endpoint": "papers",
        "access": [{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read"]}],
        "fields": [
            {"name": "title", "type": "string"},
            {"name": "about", "type": "reference", "reference": "Paper", "on_delete": "clear"},
            {"name": "author", "type": "reference", "reference": "Account", "on_delete": "clear"},
        ],
    })
}
