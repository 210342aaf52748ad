//! The audit: who did what, from where, and who may look.

use realnet_core::acl::Origin;
use realnet_core::resource::{Authenticator, SignIn, Verb};
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, id, kind};

async fn audit(world: &World, query: &str) -> Value {
    world.auth(&world.admin, Verb::Get, &format!("audit?{query}"), Value::Null).await.unwrap()
}

/// What stands in entries, one word each.
fn kinds(page: &Value) -> Vec<&str> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn changes_and_events_stand_in_one_list_with_where_they_came_from() {
    let world = World::new().await;
    world.clock.advance(1_000_000);
    let tokens = world.sign_in_from("2001:db8::7", "ann", PASSWORD).await.unwrap();
    world.clock.advance(1_000_000);
    let note =
        world.create_from(&tokens.caller, "198.51.100.4", "Folder", json!({"name": "plans"})).await.unwrap();
    world.clock.advance(1_000_000);
    assert!(world.sign_in_from("203.0.113.9", "ann", "wrong").await.is_err());
    let page = audit(&world, "limit=3").await;
    assert_eq!(kinds(&page), ["sign_in_failed", "create", "sign_in"], "{page}");
    let [failed, create, sign_in] = [0, 1, 2].map(|index| &page["entries"][index]);
    assert_eq!(failed["origin"]["address"], "203.0.113.9");
    assert_eq!(sign_in["origin"]["address"], "2001:db8::7");
    for entry in [failed, create, sign_in] {
        assert_eq!((&entry["account"], &entry["username"]), (&json!(id(&world.ann)), &json!("ann")));
    }
    assert_eq!(
        (&create["item"], &create["name"], &create["type"]),
        (&json!(note), &json!("plans"), &json!("Folder"))
    );
    assert_eq!(create["origin"]["address"], "198.51.100.4");
    assert_eq!(create["origin"]["token"], json!(tokens.caller.session));
    assert!(create["revision"].as_i64() > Some(0) && create["at"].is_string(), "{create}");
    assert!(page["next"].is_string());
}

#[tokio::test]
async fn a_change_tells_which_fields_it_touched_and_no_values() {
    let world = World::new().await;
    let ann = id(&world.ann);
    world.merge(&world.admin, "accounts", ann, json!({"display_name": "very private"})).await.unwrap();
    let page = audit(&world, &format!("item={ann}&kind=update")).await;
    assert_eq!(kinds(&page), ["update"]);
    assert_eq!(page["entries"][0]["fields"], json!(["display_name"]));
    assert_eq!(page["entries"][0]["username"], "admin");
    assert!(!page.to_string().contains("very private"), "{page}");
}

#[tokio::test]
async fn pages_meet_without_gaps_or_repetitions() {
    let world = World::new().await;
    for round in 0..12 {
        world.clock.advance(1_000_000);
        world.create(&world.ann, "Folder", json!({"name": format!("f{round}")})).await.unwrap();
        if round % 3 == 0 {
            world.clock.advance(1_000_000);
            world.sign_in("bob").await;
        }
    }
    let whole = audit(&world, "limit=1000").await;
    assert_eq!(whole["next"], Value::Null);
    let all = whole["entries"].as_array().unwrap();
    assert!(all.len() > 16 && all.is_sorted_by(|a, b| a["at"].as_str() >= b["at"].as_str()));
    for limit in [1, 4, 7] {
        let (mut read, mut query) = (Vec::new(), format!("limit={limit}"));
        loop {
            let page = audit(&world, &query).await;
            let entries = page["entries"].as_array().unwrap();
            assert!(entries.len() <= limit);
            read.extend(entries.iter().cloned());
            let Some(next) = page["next"].as_str() else { break };
            query = format!("limit={limit}&cursor={next}");
        }
        assert_eq!(&read, all, "in pages of {limit}");
    }
}

#[tokio::test]
async fn what_is_asked_for_bounds_what_is_told() {
    let world = World::new().await;
    let mut moments = Vec::new();
    for round in 0..4 {
        world.clock.advance(300_000_000);
        moments.push(world.services.clock.now());
        world.create(&world.ann, "Folder", json!({"name": format!("f{round}")})).await.unwrap();
        world.sign_in("bob").await;
    }
    let names = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().unwrap().iter();
        entries.filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect()
    };
    let between = format!("since={}&until={}", moments[1], moments[3]);
    let page = audit(&world, &between).await;
    assert_eq!(names(&page), ["f2", "f1"]);
    assert_eq!(kinds(&page).iter().filter(|kind| **kind == "sign_in").count(), 2);
    let of_ann = audit(&world, &format!("{between}&account={}", id(&world.ann))).await;
    assert_eq!(kinds(&of_ann), ["create", "create"]);
    let events = audit(&world, &format!("since={}&kind=sign_in", moments[2])).await;
    assert_eq!(kinds(&events), ["sign_in", "sign_in"]);
    let nobody = audit(&world, &format!("account={}", Uuid::from_u128(77))).await;
    assert_eq!(nobody, json!({"entries": [], "next": null}));
    for bad in [
        "limit=0",
        "limit=1001",
        "kind=x",
        "since=yesterday",
        "cursor=x",
        "account=ann",
        "color=red",
        "limit=1&limit=2",
    ] {
        let refused = world.auth(&world.admin, Verb::Get, &format!("audit?{bad}"), Value::Null).await;
        assert_eq!(kind(refused), ErrorKind::Malformed, "{bad}");
    }
}

#[tokio::test]
async fn only_administrators_look_and_only_at_their_org() {
    let world = World::new().await;
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "boss", "password": PASSWORD, "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request =
        SignIn { username: "boss".into(), password: PASSWORD.into(), org: Some("Second".into()), code: None };
    let boss = world.accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap().caller;
    let stranger = world.stranger();
    let look = async |caller, query: &str| {
        world.auth(caller, Verb::Get, &format!("audit?{query}"), Value::Null).await
    };
    assert_eq!(kind(look(&world.ann, "").await), ErrorKind::Forbidden);
    assert_eq!(kind(look(&stranger, "").await), ErrorKind::Unauthenticated);
    let own = look(&boss, "limit=1000").await.unwrap();
    assert!(!own.to_string().contains("\"ann\""), "another org is not in it: {own}");
    assert!(kinds(&own).contains(&"sign_in"));
    let there = look(&boss, &format!("org={}", world.org)).await;
    let nowhere = look(&boss, &format!("org={}", Uuid::from_u128(5))).await;
    assert_eq!((kind(there), kind(nowhere)), (ErrorKind::NotFound, ErrorKind::NotFound));
    let by_root = look(&world.root, "org=Second&limit=1000").await.unwrap();
    assert_eq!(by_root["entries"].as_array().unwrap().len(), own["entries"].as_array().unwrap().len());
}

#[tokio::test]
async fn where_superusers_come_from_is_for_superusers() {
    let world = World::new().await;
    world.sign_in_from("192.0.2.77", "root", PASSWORD).await.unwrap();
    let query = format!("account={}&kind=sign_in&limit=1", id(&world.root));
    let by_admin = audit(&world, &query).await;
    assert_eq!(
        (&by_admin["entries"][0]["kind"], &by_admin["entries"][0]["origin"]),
        (&json!("sign_in"), &Value::Null)
    );
    let by_root = world.auth(&world.root, Verb::Get, &format!("audit?{query}"), Value::Null).await.unwrap();
    assert_eq!(by_root["entries"][0]["origin"]["address"], "192.0.2.77");
}

#[tokio::test]
async fn a_lost_password_is_set_anew_and_unlocks() {
    let world = World::new().await;
    for _ in 0..11 {
        assert!(world.sign_in_from("203.0.113.9", "ann", "wrong").await.is_err());
    }
    let locked = world.sign_in_from("203.0.113.8", "ann", PASSWORD).await;
    assert_eq!(kind(locked.map(|_| ())), ErrorKind::RateLimited);
    world.accounts.set_lost_password(None, "ann", "a new long password", false).await.unwrap();
    world.sign_in_from("203.0.113.8", "ann", "a new long password").await.unwrap();
    for (name, password) in [("nobody", "a new long password"), ("ann", "short")] {
        assert!(world.accounts.set_lost_password(None, name, password, false).await.is_err());
    }
    let told = audit(&world, "kind=password_changed&limit=1").await;
    assert_eq!(told["entries"][0]["origin"], json!({"via": "console"}));
}

#[tokio::test]
async fn an_export_is_told_once() {
    let world = World::new().await;
    let first = audit(&world, "export=true&limit=2").await;
    let next = first["next"].as_str().unwrap();
    audit(&world, &format!("export=true&limit=2&cursor={next}")).await;
    let told = world.events(Some(id(&world.admin))).await;
    assert_eq!(told.iter().filter(|kind| **kind == "audit_exported").count(), 1);
}
