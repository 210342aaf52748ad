//! The types of a server, as far as who exports may see them: which items are left out unless asked for, and which declarations
//! an export needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use realnet_client::{Client, ListQuery};
use serde_json::{Map, Value};

use crate::cli::{Failure, Pages};
use crate::wire;

/// Types of who is who: their items belong to a server, not to what one takes along. And what offers apps to roles.
pub const DIRECTORY: [&str; 9] =
    ["account", "accountgroup", "accountrole", "auth", "client", "group", "org", "role", "roleapp"];
/// Items of built-in types below this one are there on every server.
const APP: &str = "app";
/// Items of types below this one may have contents.
const FILE: &str = "file";
/// What a declaration says, in an export.
const DECLARED: [&str; 6] = ["name", "base", "attributes", "fields", "instances", "access"];

/// The types by their names in lower case.
pub struct Catalog {
    types: HashMap<String, Value>,
    built_in: HashSet<String>,
    /// Whether all types could be listed: keys for some resources know only the types of these, one by one.
    is_listed: bool,
}

impl Catalog {
    /// All that the caller may see; none where it may not list them.
    pub async fn fetch(client: &Client) -> Result<Self, Failure> {
        let (mut types, mut pages, mut is_listed) = (HashMap::new(), Pages::default(), true);
        loop {
            let page = match client.list("types", &pages.of(&ListQuery::default())).await {
                Ok(page) => page,
                Err(error) if matches!(error.status(), Some(401 | 403)) => {
                    is_listed = false;
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            for info in page.items {
                let name = text(&info, "name").to_lowercase();
                // A type of the org's own hides one of the system.
                if !types.contains_key(&name) || text(&info, "layer") == "org" {
                    types.insert(name, info);
                }
            }
            let Some(cursor) = page.next else { break };
            pages.go_on(cursor)?;
        }
        Ok(Self { types, built_in: wire::built_in_types(), is_listed })
    }

    /// Asks for the types that these items need and that were not listed, one by one; answers the names of those whose declarations the
    /// caller can not read.
    pub async fn complete(
        &mut self,
        client: &Client,
        used: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let (mut unread, mut passed) = (BTreeSet::new(), HashSet::new());
        let mut rest: Vec<String> = used.iter().cloned().collect();
        while let Some(name) = rest.pop() {
            let key = name.to_lowercase();
            if !passed.insert(key.clone()) {
                continue;
            }
            if !(self.types.contains_key(&key) || self.is_listed && self.built_in.contains(&key)) {
                match client.type_definition(&name).await {
                    Ok(info) => drop(self.types.insert(key.clone(), info)),
                    Err(error) if matches!(error.status(), Some(401 | 403 | 404)) => {
                        // Every server has those.
                        if !self.built_in.contains(&key) {
                            unread.insert(name);
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(info) = self.types.get(&key).filter(|_| !self.is_built_in(&key)) {
                rest.extend(needs(info).map(str::to_owned));
            }
        }
        Ok(unread)
    }

    /// Whether items of a type may have contents, as far as is known.
    pub fn may_have_content(&self, type_name: &str) -> bool {
        !self.is_listed || self.chain(type_name).iter().any(|name| name == FILE)
    }

    /// Whether items of a type are left out of an export that is asked for no types.
    pub fn is_left_out(&self, type_name: &str) -> bool {
        let chain = self.chain(type_name);
        let is_directory = chain.iter().any(|name| DIRECTORY.contains(&name.as_str()));
        is_directory || self.is_built_in(type_name) && chain.iter().any(|name| name == APP)
    }

    /// The declarations that items of these types need, by name: of their types, of the bases of these, and of all that their fields
    /// refer to, as far as not every server has them.
    pub fn needed_by(&self, used: &BTreeSet<String>) -> BTreeMap<String, Value> {
        let mut needed = BTreeMap::new();
        let mut rest: Vec<String> = used.iter().map(|name| name.to_lowercase()).collect();
        while let Some(name) = rest.pop() {
            let Some(info) = self.types.get(&name).filter(|_| !self.is_built_in(&name)) else { continue };
            if needed.contains_key(text(info, "name")) {
                continue;
            }
            rest.extend(needs(info).map(str::to_lowercase));
            needed.insert(text(info, "name").to_owned(), declaration(info));
        }
        needed
    }

    fn is_built_in(&self, type_name: &str) -> bool {
        let name = type_name.to_lowercase();
        let is_own = self.types.get(&name).is_some_and(|info| text(info, "layer") == "org");
        !is_own && self.built_in.contains(&name)
    }

    /// A type and its bases, in lower case.
    fn chain(&self, type_name: &str) -> Vec<String> {
        let mut chain = vec![type_name.to_lowercase()];
        while let Some(base) = chain.last().and_then(|name| self.types.get(name)?["base"].as_str()) {
            let base = base.to_lowercase();
            if chain.contains(&base) {
                break;
            }
            chain.push(base);
        }
        chain
    }
}

/// The types that the declaration of one names: its base, and what its fields refer to.
fn needs(info: &Value) -> impl Iterator<Item = &str> {
    let fields = info["fields"].as_array().into_iter().flatten();
    fields.filter_map(|field| field["reference"].as_str()).chain(info["base"].as_str())
}

fn text<'v>(info: &'v Value, key: &str) -> &'v str {
    info[key].as_str().unwrap_or_default()
}

/// What is left out says nothing.
fn declaration(info: &Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    // Access for nobody is not the same as none that is declared.
    let kept =
        |key: &&str| info.get(*key).is_some_and(|value| says(value) || *key == "access" && value.is_array());
    let members = DECLARED.into_iter().filter(kept);
    Value::Object(members.map(|key| (key.to_owned(), info[key].clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalog() -> Catalog {
        let types = [
            json!({"name": "Item", "base": null, "layer": "system"}),
            json!({"name": "App", "base": "Item", "layer": "system"}),
            json!({"name": "FilesApp", "base": "App", "layer": "system"}),
            json!({"name": "MyApp", "base": "App", "layer": "org"}),
            json!({"name": "Account", "base": "Item", "layer": "system"}),
            json!({"name": "Staff", "base": "Account", "layer": "org"}),
            json!({"name": "Task", "base": "Item", "layer": "org", "fields": [], "version": 3}),
            json!({"name": "Author", "base": "Person", "layer": "org"}),
            json!({"name": "Person", "base": "Item", "layer": "org", "access": []}),
            json!({"name": "Book", "base": "Item", "layer": "org", "fields": [
                {"name": "author", "type": "reference", "reference": "Author"}]}),
        ];
        let types = types.into_iter().map(|info| (text(&info, "name").to_lowercase(), info)).collect();
        Catalog { types, built_in: wire::built_in_types(), is_listed: true }
    }

    #[test]
    fn what_every_server_has_is_left_out() {
        let catalog = catalog();
        let left_out = |name| catalog.is_left_out(name);
        for name in ["Account", "STAFF", "Role", "FilesApp"] {
            assert!(left_out(name), "{name}");
        }
        for name in ["MyApp", "Task", "Book", "File", "Unknown"] {
            assert!(!left_out(name), "{name}");
        }
    }

    #[test]
    fn files_may_have_contents() {
        let mut catalog = catalog();
        let file = json!({"name": "File", "base": "Item", "layer": "system"});
        catalog.types.insert("file".to_owned(), file);
        catalog.types.insert("scan".to_owned(), json!({"name": "Scan", "base": "File", "layer": "org"}));
        let may = |catalog: &Catalog| ["File", "SCAN", "Task"].map(|name| catalog.may_have_content(name));
        assert_eq!(may(&catalog), [true, true, false]);
        catalog.is_listed = false;
        assert_eq!(may(&catalog), [true; 3], "nobody knows what is below what");
    }

    #[test]
    fn what_items_need_comes_along() {
        let used = ["book", "Task", "File"].map(str::to_owned).into();
        let needed = catalog().needed_by(&used);
        assert_eq!(needed.keys().collect::<Vec<_>>(), ["Author", "Book", "Person", "Task"]);
        assert_eq!(needed["Person"], json!({"name": "Person", "base": "Item", "access": []}));
        assert_eq!(needed["Task"], json!({"name": "Task", "base": "Item"}));
    }
}
