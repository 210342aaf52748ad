//! A random request of a member: what it names is its own org's or the other's.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::org::Org;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub body: Value,
    /// Whether it is addressed at what the other org has, so that it may find and do nothing.
    pub is_foreign: bool,
}

impl Asked {
    /// Whether the request itself speaks of something.
    pub fn names(&self, text: &str) -> bool {
        format!("{} {}", self.path, self.body).contains(text)
    }
}

/// Something that a request names, and whether it is the other org's.
struct Named {
    text: String,
    is_foreign: bool,
}

struct Asking<'a> {
    chance: &'a mut Chance,
    own: &'a mut Org,
    other: &'a Org,
}

/// Any request.
pub fn any(chance: &mut Chance, own: &mut Org, other: &Org) -> Asked {
    let mut asking = Asking { chance, own, other };
    match asking.chance.below(16) {
        0..3 => asking.list(),
        3..5 => asking.get(),
        5..8 => asking.create(),
        8..10 => asking.change(),
        10 => asking.share(),
        11 => asking.remove(),
        12 => asking.many(),
        13 => asking.batch(),
        14 => asking.account(),
        _ => asking.types(),
    }
}

fn asked(method: Method, path: String, body: Value, is_foreign: bool) -> Asked {
    Asked { method, path, body, is_foreign }
}

impl Asking<'_> {
    fn of(&mut self, choose: fn(&Org) -> &[String]) -> Named {
        let is_foreign = self.chance.below(2) == 0;
        let org = if is_foreign { self.other } else { &*self.own };
        Named { text: self.chance.of(choose(org)).clone(), is_foreign }
    }

    fn paper(&mut self) -> Named {
        self.of(|org| &org.papers)
    }

    /// Any account: to be named, not to be changed, since the members are among them.
    fn any_account(&mut self) -> Named {
        self.of(|org| &org.accounts)
    }

    /// An account other than the members'.
    fn plain_account(&mut self) -> Named {
        self.of(|org| &org.accounts[4..])
    }

    fn group(&mut self) -> Named {
        self.of(|org| &org.groups)
    }

    fn item(&mut self) -> (&'static str, Named) {
        match self.chance.below(4) {
            0 => ("accounts", self.plain_account()),
            1 => ("groups", self.group()),
            2 => ("items", self.paper()),
            _ => ("papers", self.paper()),
        }
    }

    fn org(&mut self) -> String {
        if self.chance.below(2) == 0 { self.own.id.clone() } else { self.other.id.clone() }
    }

    fn list(&mut self) -> Asked {
        let endpoint = *self.chance.of(&["papers", "items", "accounts", "groups", "roles", "orgs"]);
        let mark = if self.chance.below(2) == 0 { self.own.mark.clone() } else { self.other.mark.clone() };
        let (paper, account, group) = (self.paper(), self.any_account(), self.group());
        let (filter, is_foreign) = match self.chance.below(11) {
            0 => (format!("id=in.({},{},{})", paper.text, account.text, group.text), false),
            1 => (format!("id=in.({})", paper.text), paper.is_foreign),
            2 => (format!("parent={}", paper.text), paper.is_foreign),
            3 => (format!("owner={}", account.text), account.is_foreign),
            4 if endpoint == "papers" => (format!("about={}", paper.text), paper.is_foreign),
            5 if endpoint == "papers" => (format!("author={}", account.text), account.is_foreign),
            6 => (format!("name=like.{mark}*"), mark == self.other.mark),
            7 => (format!("search={mark}"), mark == self.other.mark),
            8 => (format!("or=(name.like.{mark}*,id.eq.{})", paper.text), false),
            9 => (format!("org={}", self.org()), false),
            _ => ("name=neq.nothing".to_owned(), false),
        };
        let shown = *self.chance.of(&["", "&order=updated_at.desc", "&order=name", "&select=name,owner(*)"]);
        asked(Method::GET, format!("/api/{endpoint}?{filter}&count=exact{shown}"), Value::Null, is_foreign)
    }

    fn get(&mut self) -> Asked {
        let (endpoint, id) = self.item();
        let rest = *self.chance.of(&["", "", "/items", "/history", "/acl"]);
        let path = match self.chance.below(8) {
            0 => format!("/api/explain?item={}", id.text),
            1 => format!("/api/explain?item={}&who=read", id.text),
            2 => format!("/api/explain?item={}&account={}", id.text, self.any_account().text),
            _ => format!("/api/{endpoint}/{}{rest}", id.text),
        };
        // An explanation may be given of what one may not read, to one's own administrators only.
        asked(Method::GET, path, Value::Null, id.is_foreign)
    }

    /// Properties of a paper that lead to others.
    fn links(&mut self) -> Map<String, Value> {
        let mut body = Map::new();
        for (index, name) in
            ["parent_id", "linked_item_id", "about", "author", "owner", "org"].iter().enumerate()
        {
            if self.chance.below(3) != 0 {
                continue;
            }
            let value = match index {
                0..3 => self.paper().text,
                3 | 4 => self.any_account().text,
                _ => self.org(),
            };
            body.insert((*name).to_owned(), value.into());
        }
        body
    }

    fn create(&mut self) -> Asked {
        let name = self.own.fresh();
        let mut body = self.links();
        let path = match self.chance.below(6) {
            0 => {
                body.retain(|key, _| key == "org" || key == "parent_id");
                body.extend([("username".to_owned(), json!(name)), ("role".to_owned(), json!("user"))]);
                "/api/accounts"
            }
            1 => {
                body.retain(|key, _| key == "org" || key == "parent_id");
                "/api/groups"
            }
            2 => {
                let (account, group) = (self.any_account().text, self.group().text);
                let body = json!({"account": account, "group": group});
                return asked(Method::POST, "/api/accountgroup".to_owned(), body, false);
            }
            _ => "/api/papers",
        };
        if path != "/api/accounts" {
            body.insert("name".to_owned(), name.into());
        }
        asked(Method::POST, path.to_owned(), body.into(), false)
    }

    fn change(&mut self) -> Asked {
        let paper = self.paper();
        let mut body = self.links();
        body.insert("title".to_owned(), self.own.fresh().into());
        let method = if self.chance.below(4) == 0 {
            body.insert("name".to_owned(), self.own.fresh().into());
            body.retain(|key, _| matches!(key.as_str(), "name" | "title" | "about" | "author"));
            Method::PUT
        } else {
            Method::PATCH
        };
        asked(method, format!("/api/papers/{}", paper.text), body.into(), paper.is_foreign)
    }

    fn share(&mut self) -> Asked {
        let (endpoint, id) = self.item();
        let (kind, subject) = match self.chance.below(3) {
            0 => ("account", self.any_account().text),
            1 => ("group", self.group().text),
            _ => ("org", self.org()),
        };
        let permission = *self.chance.of(&["read", "write", "delete", "share"]);
        let body = json!([{"subject": {"type": kind, "id": subject}, "permissions": [permission]}]);
        asked(Method::PUT, format!("/api/{endpoint}/{}/acl", id.text), body, id.is_foreign)
    }

    fn remove(&mut self) -> Asked {
        let (endpoint, id) = self.item();
        asked(Method::DELETE, format!("/api/{endpoint}/{}", id.text), Value::Null, id.is_foreign)
    }

    fn many(&mut self) -> Asked {
        let paper = self.paper();
        let filter = match self.chance.below(3) {
            0 => format!("about={}", paper.text),
            1 => format!("parent={}", paper.text),
            _ => format!("id=in.({})", paper.text),
        };
        let path = format!("/api/papers?{filter}");
        if self.chance.below(2) == 0 {
            asked(Method::DELETE, path, Value::Null, paper.is_foreign)
        } else {
            asked(Method::PATCH, path, json!({"title": self.own.fresh()}), paper.is_foreign)
        }
    }

    fn batch(&mut self) -> Asked {
        let mut operations = vec![json!({
            "operation": "create", "resource": "papers", "body": {"name": self.own.fresh(), "title": "new"},
        })];
        let paper = self.paper();
        operations.push(match self.chance.below(3) {
            0 => json!({"operation": "delete", "resource": "papers", "id": paper.text}),
            1 => json!({"operation": "patch", "resource": "items", "id": paper.text, "body": self.links()}),
            _ => json!({"operation": "create", "resource": "papers", "body": {
                "name": self.own.fresh(), "parent_id": paper.text}}),
        });
        asked(Method::POST, "/api/batch".to_owned(), json!({"operations": operations}), paper.is_foreign)
    }

    fn account(&mut self) -> Asked {
        let account = self.plain_account();
        let (id, is_foreign) = (account.text, account.is_foreign);
        match self.chance.below(8) {
            0 => {
                let role = *self.chance.of(&["superuser", "admin", "user", "visitor"]);
                asked(Method::PATCH, format!("/api/accounts/{id}"), json!({"role": role}), is_foreign)
            }
            1 => {
                let body = json!({"password": "another long password"});
                asked(Method::PATCH, format!("/api/accounts/{id}"), body, is_foreign)
            }
            2 => asked(Method::PATCH, format!("/api/items/{id}"), json!({"disabled": true}), is_foreign),
            3 => asked(Method::GET, format!("/api/auth/sessions?account={id}"), Value::Null, is_foreign),
            4 => asked(Method::DELETE, format!("/api/auth/sessions?account={id}"), Value::Null, is_foreign),
            5 => asked(Method::POST, "/api/auth/unlock".to_owned(), json!({"account": id}), is_foreign),
            6 => {
                let scopes = json!([{"resource": "papers", "permissions": ["read"]}]);
                let body = json!({"name": self.own.fresh(), "account": id, "scopes": scopes});
                asked(Method::POST, "/api/keys".to_owned(), body, is_foreign)
            }
            _ => {
                let filter = match self.chance.below(3) {
                    0 => format!("org={}", self.org()),
                    1 => format!("account={id}"),
                    _ => format!("item={}", self.paper().text),
                };
                asked(Method::GET, format!("/api/audit?{filter}&limit=20"), Value::Null, false)
            }
        }
    }

    fn types(&mut self) -> Asked {
        let is_foreign = self.chance.below(2) == 0;
        let mark = if is_foreign { &self.other.mark } else { &self.own.mark };
        let path = format!("/api/types/{mark}_type");
        match self.chance.below(4) {
            0 => asked(Method::GET, path, Value::Null, is_foreign),
            1 => asked(Method::PATCH, path, json!({"icon": "changed"}), is_foreign),
            2 => {
                let subject = json!({"type": "org", "id": self.org()});
                let body = json!([{"subject": subject, "permissions": ["read", "create"]}]);
                asked(Method::PUT, format!("{path}/acl"), body, is_foreign)
            }
            _ => asked(Method::GET, "/api/types?name=a".to_owned(), Value::Null, false),
        }
    }
}
