//! Who takes items along from one server to another, what they take, and what an export of it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};

use crate::common::{self, ADMIN, Server, realnet, run, text};
use crate::shop::{PIN, upload};

/// Somebody who types commands in a folder.
pub struct User {
    pub folder: PathBuf,
    address: String,
    token: String,
}

impl User {
    /// The administrator.
    pub async fn admin(server: &Server, folder: &Path) -> Self {
        Self::of(server, folder, ADMIN).await
    }

    /// Whoever signs in so.
    pub async fn of(server: &Server, folder: &Path, who: (&str, &str)) -> Self {
        Self::in_org(server, folder, who, None).await
    }

    /// Whoever signs in so to an org.
    pub async fn in_org(
        server: &Server,
        folder: &Path,
        (name, password): (&str, &str),
        org: Option<&str>,
    ) -> Self {
        let mut client = Client::new(&server.address).unwrap();
        let token = client.authenticate(name, password, org).await.unwrap().token;
        Self { folder: folder.to_owned(), address: server.address.clone(), token }
    }

    /// A command of theirs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = realnet(&self.folder);
        command.args(arguments).env("REALNET_SERVER_URL", &self.address).env("REALNET_TOKEN", &self.token);
        command
    }

    /// What a command printed that went well.
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = run(&mut self.command(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    /// What one said that failed.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output: Output = run(&mut self.command(arguments));
        assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output));
        assert!(output.stdout.is_empty(), "errors belong on stderr: {}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    }
}

/// A server with its folder.
pub struct Place {
    _guard: tempfile::TempDir,
    pub folder: PathBuf,
    pub server: Server,
}

impl Place {
    pub fn start() -> Self {
        let (guard, folder) = common::folder();
        let server = Server::start(&folder);
        Self { _guard: guard, folder, server }
    }

    pub async fn admin(&self) -> User {
        User::admin(&self.server, &self.folder).await
    }

    /// How many items there are that the administrator sees, of whatever type.
    pub async fn count(&self) -> u64 {
        let query = ListQuery::default().with("count", "exact").with("limit", "1");
        self.server.admin().await.list("items", &query).await.unwrap().total.unwrap()
    }
}

/// Items that stand below each other, refer to each other, in a circle as well, and have all that an item may have.
pub async fn fill(server: &Server) -> BTreeMap<&'static str, String> {
    let client = server.admin().await;
    let document = json!({"types": [
        {"name": "Author", "base": "Item", "fields": [
            {"name": "friend", "type": "reference", "reference": "Author", "on_delete": "clear"}]},
        {"name": "Book", "base": "Item", "attributes": {"icon": "book", "shelf": "common"}, "fields": [
            {"name": "author", "type": "reference", "reference": "Author", "required": true},
            {"name": "covers", "type": "file", "multiple": true},
            {"name": "isbn", "type": "string", "unique": true},
            {"name": "state", "type": "enum", "values": ["new", "old"], "default": "new"},
            {"name": "pin", "type": "secret"}],
         "instances": [{"name": "Rare", "attributes": {"shelf": "locked"}}]},
        {"name": "Novel", "base": "Book"}]});
    client.apply(&document, &[]).await.unwrap();
    let create = async |resource: &str, body: Value| {
        let item = client.create(resource, &body).await.unwrap();
        item["id"].as_str().unwrap().to_owned()
    };
    let mut ids = BTreeMap::new();
    ids.insert("anna", create("author", json!({"name": "Anna"})).await);
    ids.insert("bert", create("author", json!({"name": "Bert", "friend": ids["anna"]})).await);
    client.patch("author", &ids["anna"], &json!({"friend": ids["bert"]}), None).await.unwrap();
    ids.insert("file", upload(server, &[b"a cover ".as_slice(), &vec![9; 300_000]].concat()).await);
    ids.insert("folder", create("folder", json!({"name": "shelf"})).await);
    let novel = json!({"name": "N \u{2028}<&>\"'\t", "instance": "Rare", "author": ids["bert"], "covers": [ids["file"]],
        "isbn": "1", "pin": PIN, "parent_id": ids["folder"], "tags": ["b", "a"], "status": "lent", "visibility": "hidden",
        "location": {"type": "Point", "coordinates": [8.54, 47.37]}, "valid_from": "2026-01-31T12:00:00Z", "public": true,
        "large": 9_007_199_254_740_993_i64, "nothing": null, "deep": {"a": [1, {"b": ""}]}, "state": "old"});
    ids.insert("novel", create("novel", novel).await);
    ids.insert(
        "link",
        create("link", json!({"name": "L", "linked_item_id": ids["novel"], "parent_id": ids["folder"]}))
            .await,
    );
    // What stands above is younger than what stands below.
    client
        .patch(
            "folder",
            &ids["folder"],
            &json!({"parent_id": create("folder", json!({"name": "top"})).await}),
            None,
        )
        .await
        .unwrap();
    ids
}

/// All files of an export but its head, by their paths.
pub fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut rest = vec![root.to_owned()];
    while let Some(folder) = rest.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                rest.push(path);
            } else if !path.ends_with("realnet-export.json") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}
