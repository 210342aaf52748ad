//! Imports that are done again: what is there stays as it is, also where it once had to wait; what was broken off is finished, and what
//! has gone is made anew.

use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};

use crate::travellers::{Place, User};

const UMA: (&str, &str) = ("uma", "correct-horse-uma");

/// A server with a user beside the administrator.
async fn place() -> (Place, Client) {
    let place = Place::start();
    let client = place.server.admin().await;
    let account = json!({"username": UMA.0, "password": UMA.1, "role": "user"});
    client.create("accounts", &account).await.unwrap();
    (place, client)
}

/// Declares a type whose items refer to each other, which one of these roles may say; all, where there are none.
async fn declare(client: &Client, roles: &[&str]) {
    let mut friend = json!({"name": "friend", "type": "reference", "reference": "Pal", "on_delete": "clear"});
    if !roles.is_empty() {
        friend["write"] = json!(roles);
    }
    let document = json!({"types": [{"name": "Pal", "base": "Item", "fields": [friend]}]});
    client.apply(&document, &[("source", "pals.json")]).await.unwrap();
}

/// The items of a type that somebody owns.
async fn of(client: &Client, resource: &str, owner: &Value) -> Vec<Value> {
    let query = ListQuery::default().with("owner", owner.as_str().unwrap()).with("order", "name");
    client.list(resource, &query).await.unwrap().items
}

/// References that had to wait are set by the import that has left them out, also when it is done again, and by no other.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_broken_off_is_completed() {
    let (place, client) = place().await;
    declare(&client, &["hr"]).await;
    let a = client.create("pal", &json!({"name": "a"})).await.unwrap();
    let b = client.create("pal", &json!({"name": "b", "friend": a["id"]})).await.unwrap();
    client.patch("pal", a["id"].as_str().unwrap(), &json!({"friend": b["id"]}), None).await.unwrap();
    place.admin().await.told(&["export", "pals", "--type", "pal"]);

    // Who may not set the reference makes the items without it, and is then refused.
    let uma = User::of(&place.server, &place.folder, UMA).await;
    let said = uma.refused(&["import", "pals"]);
    assert!(said.contains("items/Pal/") && said.contains("friend"), "{said}");
    let me =
        client.list("accounts", &ListQuery::default().with("username", "uma")).await.unwrap().items[0]["id"]
            .clone();
    let made = of(&client, "pal", &me).await;
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|pal| pal["attributes"]["friend"].is_null()));
    declare(&client, &[]).await;
    let said = uma.told(&["import", "pals", "--dry-run"]);
    assert!(said.contains("0 items would be created, 2 would be changed"), "{said}");
    let said = uma.told(&["import", "pals"]);
    assert!(said.contains("0 items created, 2 changed, 0 there already"), "{said}");
    let made = of(&client, "pal", &me).await;
    assert_eq!(made[0]["attributes"]["friend"], made[1]["id"]);
    assert_eq!(made[1]["attributes"]["friend"], made[0]["id"]);

    // It is whole now: what is taken out on purpose stays out.
    let id = made[0]["id"].as_str().unwrap();
    client.patch("pal", id, &json!({"friend": null}), None).await.unwrap();
    let said = uma.told(&["import", "pals"]);
    assert!(
        said.contains("0 items created, 0 changed, 1 there already")
            && said.contains("1 part here in another form"),
        "{said}"
    );
    assert_eq!(
        client.get("pal", id).await.unwrap()["version"],
        3,
        "made, completed, and emptied by its owner"
    );
    // Nor does an export lead to what is somebody's: one with its id and a circle changes nothing.
    let said = place.admin().await.told(&["import", "pals"]);
    assert!(said.contains("0 items created, 0 changed, 2 there already"), "{said}");
    let path =
        |item: &Value| place.folder.join(format!("pals/items/Pal/{}.json", item["id"].as_str().unwrap()));
    let victim = client.create("pal", &json!({"name": "victim"})).await.unwrap();
    let document = std::fs::read_to_string(path(&a))
        .unwrap()
        .replace(a["id"].as_str().unwrap(), victim["id"].as_str().unwrap());
    std::fs::write(path(&victim), document.replace("\"a\"", "\"victim\"")).unwrap();
    let other = std::fs::read_to_string(path(&b))
        .unwrap()
        .replace(a["id"].as_str().unwrap(), victim["id"].as_str().unwrap());
    std::fs::remove_file(path(&a)).unwrap();
    std::fs::write(path(&b), other).unwrap();
    let said = place.admin().await.told(&["import", "pals"]);
    assert!(
        said.contains("0 items created, 0 changed, 0 there already") && said.contains("2 parts here"),
        "{said}"
    );
    assert_eq!(client.get("pal", victim["id"].as_str().unwrap()).await.unwrap(), victim);
}

/// Two exports of the same items are two imports: none is answered with what the other one has made.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_made_is_there() {
    let (place, client) = place().await;
    let tasks: Vec<Value> = (0..3).map(|index| json!({"name": format!("t{index}")})).collect();
    client.create("task", &json!(tasks)).await.unwrap();
    let admin = place.admin().await;
    admin.told(&["export", "one", "--type", "task"]);
    admin.told(&["export", "other", "--type", "task"]);
    let uma = User::of(&place.server, &place.folder, UMA).await;
    assert!(uma.told(&["import", "one"]).contains("3 items created"));
    let me =
        client.list("accounts", &ListQuery::default().with("username", "uma")).await.unwrap().items[0]["id"]
            .clone();
    for task in of(&client, "task", &me).await {
        client.delete("task", task["id"].as_str().unwrap()).await.unwrap();
    }
    assert!(uma.told(&["import", "other"]).contains("3 items created"));
    assert_eq!(of(&client, "task", &me).await.len(), 3);
    assert!(uma.told(&["import", "one"]).contains("3 items created"), "they have gone since");
    assert_eq!(of(&client, "task", &me).await.len(), 6);
    assert!(uma.told(&["import", "one"]).contains("0 items created, 0 changed, 3 there already"));
}
