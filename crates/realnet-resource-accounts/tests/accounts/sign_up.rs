//! Making an account for oneself.

use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::resource::{Context, Operation, Request, Verb, WriteOptions};
use realnet_core::{ErrorKind, Result};
use realnet_resource_accounts::{AccountsConfig, SignUp};
use serde_json::{Value, json};

use crate::mail::MailServer;
use crate::world::{PASSWORD, World, config, from, id_of, kind};

async fn world() -> (World, MailServer) {
    let server = MailServer::start();
    let sign_up = Some(SignUp { org: "First".to_owned(), role: OrgRole::Visitor });
    let world = World::with(AccountsConfig { sign_up, mail: server.config(), ..config() }).await;
    (world, server)
}

async fn sign_up(world: &World, body: Value) -> Result<Value> {
    world.create(&world.stranger(), "accounts", body).await
}

#[tokio::test]
async fn strangers_make_an_account_where_they_may() {
    let (world, _server) = world().await;
    let made = sign_up(&world, json!({"username": "eve", "password": PASSWORD, "display_name": "Eve"}))
        .await
        .unwrap();
    assert_eq!((&made["attributes"]["role"], &made["owner"]), (&json!("visitor"), &made["id"]));
    assert_eq!((&made["org"], &made["attributes"]["display_name"]), (&json!(world.org), &json!("Eve")));
    let caller = world.sign_in("eve").await.caller;
    assert_eq!(caller.role, Some(OrgRole::Visitor));
    assert_eq!(world.events(Some(id_of(&made))).await, ["sign_up", "sign_in"]);
    let again = sign_up(&world, json!({"username": "eve", "password": PASSWORD})).await;
    assert_eq!(kind(again), ErrorKind::Conflict);
}

#[tokio::test]
async fn what_they_may_not_choose_is_refused() {
    let (world, _server) = world().await;
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    for (key, value) in [
        ("role", json!("admin")),
        ("role", json!("visitor")),
        ("org", json!("Second")),
        ("owner", json!(null)),
        ("email_verified", json!(true)),
        ("disabled", json!(false)),
        ("public", json!(true)),
        ("type", json!("Staff")),
        ("parent_id", json!(world.org)),
        ("id", json!(world.org)),
        ("version", json!(7)),
    ] {
        let mut body = json!({"username": "eve", "password": PASSWORD});
        body[key] = value;
        assert_eq!(kind(sign_up(&world, body).await), ErrorKind::InvalidInput, "{key}");
    }
    for body in [
        json!({"username": "eve"}),
        json!({"username": "eve", "password": "password1"}),
        json!({"username": "eve", "password": PASSWORD, "email": "no address"}),
        json!({"username": "eve", "password": PASSWORD, "attributes": {"role": "superuser"}}),
        json!({"username": "eve", "password": "evelyn.long@first.test", "email": "evelyn.long@first.test"}),
        json!({"username": "eve", "password": PASSWORD, "email": 7}),
        json!({"password": PASSWORD}),
    ] {
        assert_eq!(kind(sign_up(&world, body.clone()).await), ErrorKind::InvalidInput, "{body}");
    }
    assert_eq!(
        kind(sign_up(&world, json!([{"username": "eve", "password": PASSWORD}])).await),
        ErrorKind::Malformed
    );
    assert!(world.try_sign_in("eve", PASSWORD).await.is_err());
}

#[tokio::test]
async fn other_ways_stay_closed() {
    let (world, _server) = world().await;
    let body = json!({"type": "Account", "username": "eve", "password": PASSWORD});
    assert_eq!(kind(world.create(&world.stranger(), "items", body).await), ErrorKind::Unauthenticated);
    let staff = json!({"username": "eve", "password": PASSWORD});
    assert_eq!(
        kind(world.create(&world.stranger(), "staff", staff.clone()).await),
        ErrorKind::Unauthenticated
    );
    assert_eq!(
        kind(world.create(&world.ann, "accounts", json!({"username": "eve", "role": "admin"})).await),
        ErrorKind::Forbidden
    );
    let closed = World::new().await;
    assert_eq!(kind(sign_up(&closed, staff).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn an_address_counts_when_it_is_proved_and_nobody_learns_whether_it_is_taken() {
    let (world, server) = world().await;
    let body =
        |username: &str, email: &str| json!({"username": username, "password": PASSWORD, "email": email});
    let free = sign_up(&world, body("eve", "eve@first.test")).await.unwrap();
    let taken = sign_up(&world, body("mallory", "ann@first.test")).await.unwrap();
    for made in [&free, &taken] {
        assert!(made["attributes"].get("email").is_none_or(Value::is_null), "{made}");
    }
    let mut letters = [server.next().await, server.next().await];
    letters.sort_by(|one, other| other.to.cmp(&one.to));
    assert_eq!((letters[0].to.as_str(), letters[1].to.as_str()), ("eve@first.test", "ann@first.test"));
    assert!(!letters[1].text.contains("token"), "{}", letters[1].text);
    // The mail says nothing that a stranger has chosen.
    let body = letters[0].text.split_once("\n\n").unwrap().1;
    assert!(!body.contains("eve"), "{body}");
    let token = json!({"token": letters[0].token()});
    let unknown = world.auth(&world.stranger(), Verb::Post, "verify-email/confirm", token.clone()).await;
    assert_eq!(kind(unknown), ErrorKind::Unauthenticated);
    // Whose mail it is does not confirm it for who has the password.
    let other = world.auth(&world.ann, Verb::Post, "verify-email/confirm", token.clone()).await;
    assert_eq!(kind(other), ErrorKind::InvalidInput);
    sign_up(&world, json!({"username": "carl", "password": PASSWORD})).await.unwrap();
    let carl = world.sign_in("carl").await.caller;
    let alike = world.auth(&carl, Verb::Post, "verify-email/confirm", token.clone()).await;
    assert_eq!(kind(alike), ErrorKind::InvalidInput, "in all else like the account of the token");
    let eve = world.sign_in("eve").await.caller;
    world.auth(&eve, Verb::Post, "verify-email/confirm", token).await.unwrap();
    let shown = world.get(&world.admin, "accounts", id_of(&free)).await;
    let shown = match shown {
        Ok(shown) => shown,
        Err(_) => world.get(&world.root, "accounts", id_of(&free)).await.unwrap(),
    };
    assert_eq!(shown["attributes"]["email"], "eve@first.test");
    assert_eq!(shown["attributes"]["email_verified"], true);
}

#[tokio::test]
async fn one_address_makes_so_many_accounts() {
    let (world, _server) = world().await;
    let sign_up = async |number: usize| {
        let body = json!({"username": format!("eve{number}"), "password": PASSWORD});
        let caller = Arc::new(Caller::anonymous(world.org));
        let cx =
            Context::new(&world.services, caller, Arc::from("test")).with_origin(Arc::new(from("192.0.2.7")));
        let operation = Operation::Create { body, options: WriteOptions::default() };
        world.dispatcher.dispatch(&cx, Request { endpoint: "accounts".to_owned(), operation }).await
    };
    for number in 0..20 {
        sign_up(number).await.unwrap();
    }
    assert_eq!(sign_up(20).await.err().map(|error| error.kind()), Some(ErrorKind::RateLimited));
}

#[tokio::test]
async fn a_mail_that_is_lost_can_be_asked_for_again() {
    let (world, server) = world().await;
    for (name, email) in [("eve", "eve@first.test"), ("mallory", "ann@first.test")] {
        sign_up(&world, json!({"username": name, "password": PASSWORD, "email": email})).await.unwrap();
        let lost = server.next().await;
        let caller = world.sign_in(name).await.caller;
        let asked = world.auth(&caller, Verb::Post, "verify-email", Value::Null).await.unwrap();
        assert_eq!(asked, Value::Null, "the same whether the address is taken");
        let again = server.next().await;
        assert_eq!((&again.to, again.text.len()), (&lost.to, lost.text.len()));
    }
}
