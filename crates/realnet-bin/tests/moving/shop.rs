//! A store with something of everything in it, and commands on stores.

use std::path::Path;

use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};

use crate::common::{ADMIN, Server, Settings, realnet, run, text};

/// What only its owner may learn.
pub const PIN: &str = "hush-4711-needle";

/// A store that is to be moved.
pub struct Shop {
    /// An item with everything, as it is shown.
    pub whole: Value,
    /// How many products it has beside.
    pub count: usize,
}

impl Shop {
    /// Fills the store of a server.
    pub async fn fill(server: &Server, count: usize) -> Self {
        let client = server.admin().await;
        let document = json!({"types": [
            {"name": "Product", "base": "Item", "fields": [
                {"name": "price", "type": "decimal", "index": true}, {"name": "sku", "type": "string", "unique": true}]},
            {"name": "Vault", "base": "Item", "fields": [{"name": "pin", "type": "secret"}]},
        ]});
        client.apply(&document, &[]).await.unwrap();
        let products: Vec<Value> = (0..count)
            .map(|index| json!({"name": format!("product {index}"), "price": format!("{index}.25"), "sku": index.to_string()}))
            .collect();
        for part in products.chunks(500) {
            client.create("product", &json!(part)).await.unwrap();
        }
        let vault = client.create("vault", &json!({"name": "V", "pin": PIN})).await.unwrap();
        let body = json!({"name": "whole \u{1F511}", "tags": ["a", "b"], "parent_id": vault["id"], "size": 0.1,
            "large": 9_007_199_254_740_993_i64, "text": "\u{2028}<&>\"'\t", "nothing": null});
        let item = client.create("item", &body).await.unwrap();
        let id = item["id"].as_str().unwrap();
        client.patch("item", id, &json!({"status": "changed"}), None).await.unwrap();
        let body = json!([{"subject": {"type": "public"}, "permissions": ["read"]}]);
        client.set_grants("item", id, &body, None).await.unwrap();
        let whole = client.get("item", id).await.unwrap();
        Self { whole, count }
    }

    /// Sees that a server has all of it, and that it works there.
    pub async fn is_on(&self, server: &Server) {
        let client = server.admin().await;
        let id = self.whole["id"].as_str().unwrap();
        assert_eq!(client.get("item", id).await.unwrap(), self.whole);
        let history = client.history("item", id, &ListQuery::default()).await.unwrap();
        assert_eq!(history.items.len(), 3, "created, changed, shared");
        let grants = client.grants("item", id).await.unwrap();
        assert_eq!(grants.as_array().unwrap().len(), 1);
        // Nobody is signed in.
        let stranger = Client::new(&server.address).unwrap();
        assert_eq!(stranger.get("item", id).await.unwrap()["id"], self.whole["id"]);
        if self.count > 0 {
            let last = self.count - 1;
            let query = ListQuery::default().with("sku", last.to_string());
            let found = client.list("product", &query).await.unwrap();
            assert_eq!(found.items[0]["name"], format!("product {last}"));
            let taken = client.create("product", &json!({"name": "x", "sku": last.to_string()})).await;
            assert_eq!(taken.unwrap_err().status(), Some(409), "what is unique stays so");
        }
    }
}

/// Runs `realnet` with arguments; what it printed.
pub fn told(folder: &Path, arguments: &[&str]) -> String {
    told_with(folder, arguments, &Settings::new())
}

/// The same with settings.
pub fn told_with(folder: &Path, arguments: &[&str], settings: &Settings) -> String {
    let pairs = settings.iter().map(|(name, value)| (name, value));
    let output = run(realnet(folder).args(arguments).envs(pairs));
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that fails.
pub fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(realnet(folder).args(arguments));
    assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output));
    assert!(output.stdout.is_empty(), "errors belong on stderr: {}", text(&output));
    String::from_utf8(output.stderr).unwrap()
}

/// The sum of a store, and what it counts.
pub fn sum(folder: &Path, store: &str) -> String {
    let told = told(folder, &["verify", store]);
    assert!(told.starts_with("SHA-256 ") && told.contains(" items"), "{told}");
    told
}

/// Settings of a server on an embedded store.
pub fn embedded(name: &str) -> Settings {
    let pairs = [("REALNET_DB_TYPE", "sqlite"), ("REALNET_DB_NAME", name), ("REALNET_USERNAME", ADMIN.0)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A token of the administrator.
async fn token(server: &Server) -> String {
    let mut client = Client::new(&server.address).unwrap();
    client.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap().token
}

/// Makes a file with a content; answers its id.
pub async fn upload(server: &Server, bytes: &[u8]) -> String {
    let file = server.admin().await.create("files", &json!({"name": "a file"})).await.unwrap();
    let id = file["id"].as_str().unwrap().to_owned();
    let address = format!("{}/api/files/{id}/data", server.address);
    let put = reqwest::Client::new().put(address).bearer_auth(token(server).await).body(bytes.to_vec());
    let answer = put.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    id
}

/// Takes the content of a file away; the item stays.
pub async fn take_content_away(server: &Server, id: &str) {
    let address = format!("{}/api/files/{id}/data", server.address);
    let answer =
        reqwest::Client::new().delete(address).bearer_auth(token(server).await).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// The content of a file.
pub async fn content(server: &Server, id: &str) -> Vec<u8> {
    let address = format!("{}/api/files/{id}/data", server.address);
    let answer = reqwest::Client::new().get(address).bearer_auth(token(server).await).send().await.unwrap();
    assert!(answer.status().is_success());
    answer.bytes().await.unwrap().to_vec()
}
