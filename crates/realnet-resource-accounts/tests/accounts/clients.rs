//! Clients: secrets made by the server, tokens for them, and what ends both.

use std::sync::Arc;

use realnet_core::acl::{Caller, Grant, Permission, Permissions, Scope, Subject};
use realnet_core::resource::{Authenticator, Call, ListRequest, Operation, Verb, WriteOptions};
use realnet_core::{ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use crate::sessions::resigned;
use crate::world::{PASSWORD, World, filter, id, id_of, kind};

/// A client with its secret.
struct Client {
    id: Uuid,
    secret: String,
}

pub(crate) fn secret_call(id: Uuid, verb: Verb) -> Operation {
    Operation::Call(Call {
        path: vec![id.to_string(), "secret".to_owned()],
        verb,
        body: Value::Null,
        parameters: ListRequest::default(),
        options: WriteOptions::default(),
    })
}

impl World {
    async fn make_secret(&self, caller: &Arc<Caller>, id: Uuid) -> Result<String> {
        let made = self.call(caller, "clients", secret_call(id, Verb::Post)).await?;
        assert_eq!(made["client_id"], json!(id));
        Ok(made["client_secret"].as_str().unwrap().to_owned())
    }

    /// A client of some scopes that acts as an account.
    async fn client(&self, account: Uuid, scopes: Value) -> Client {
        let body = json!({"name": "shop", "account": account, "scopes": scopes});
        let id = id_of(&self.create(&self.admin, "clients", body).await.unwrap());
        Client { id, secret: self.make_secret(&self.admin, id).await.unwrap() }
    }

    async fn ask(&self, id: Uuid, secret: &str, scope: Option<&str>) -> Result<Value> {
        let body = json!({"client_id": id, "client_secret": secret, "scope": scope});
        self.auth(&self.stranger(), Verb::Post, "token", body).await
    }

    async fn token(&self, client: &Client) -> String {
        let given = self.ask(client.id, &client.secret, None).await.unwrap();
        given["access_token"].as_str().unwrap().to_owned()
    }

    async fn caller(&self, token: &str) -> Result<Arc<Caller>> {
        self.accounts.authenticate(Some(token), None).await
    }
}

#[tokio::test]
async fn a_client_acts_as_its_account_within_its_scopes() {
    let world = World::new().await;
    let client = world.client(id(&world.ann), json!(["folder:create,read"])).await;
    let given = world.ask(client.id, &client.secret, None).await.unwrap();
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(given["scope"], "folder:create,read");
    let caller = world.caller(given["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((caller.account, caller.key, caller.session), (world.ann.account, Some(client.id), None));
    let folder = world.create(&caller, "folder", json!({"name": "made"})).await.unwrap();
    assert_eq!(folder["owner"], json!(id(&world.ann)));
    assert_eq!(kind(world.delete(&caller, "folder", id_of(&folder)).await), ErrorKind::Forbidden);
    assert_eq!(
        kind(world.call(&caller, "accounts", Operation::List(filter("name", "eq.x"))).await),
        ErrorKind::Forbidden
    );
    for path in ["sessions", "keys"] {
        assert_eq!(kind(world.auth(&caller, Verb::Get, path, Value::Null).await), ErrorKind::Forbidden);
    }
    assert_eq!(world.details("client_token").await, [json!({"client": client.id})]);
    // Nothing that is kept with the item gives the secret away.
    let item = world.get(&world.root, "clients", client.id).await.unwrap().to_string();
    assert!(!item.contains(&client.secret[10..40]), "{item}");
}

#[tokio::test]
async fn less_may_be_asked_for_and_never_more() {
    let world = World::new().await;
    let client = world.client(id(&world.ann), json!(["folder:create,read", "group"])).await;
    let narrow = world.ask(client.id, &client.secret, Some("folder:read")).await.unwrap();
    assert_eq!(narrow["scope"], "folder:read");
    let caller = world.caller(narrow["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!(caller.scope.as_deref().map(Scope::rules).map(<[_]>::len), Some(1));
    assert_eq!(kind(world.create(&caller, "folder", json!({"name": "x"})).await), ErrorKind::Forbidden);
    for more in
        ["folder:delete", "folder", "*", "items:read", "nothing", "folder:read role:read", "folder:fly"]
    {
        let refused = world.ask(client.id, &client.secret, Some(more)).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.violations()[0].pointer.as_str()),
            (ErrorKind::InvalidInput, "/scope")
        );
    }
    // A token goes with its client's item.
    world.merge(&world.admin, "clients", client.id, json!({"scopes": ["group"]})).await.unwrap();
    assert_eq!(
        kind(world.caller(narrow["access_token"].as_str().unwrap()).await),
        ErrorKind::Unauthenticated
    );
    world.merge(&world.admin, "clients", client.id, json!({"scopes": []})).await.unwrap();
    assert_eq!(kind(world.ask(client.id, &client.secret, None).await), ErrorKind::Forbidden);
    let many = json!({"scopes": vec!["folder:read"; 51]});
    let refused = world.merge(&world.admin, "clients", client.id, many).await.unwrap_err();
    assert_eq!(refused.violations()[0].pointer, "/attributes/scopes");
    let unknown = json!({"scopes": ["folder:read", "nothing:read"]});
    let refused = world.merge(&world.admin, "clients", client.id, unknown).await.unwrap_err();
    assert_eq!(refused.violations()[0].pointer, "/attributes/scopes/1");
    assert_eq!(refused.violations()[0].detail, "nothing is no type or endpoint: GET /api/types lists them");
    for word in ["folder:fly", "folder:", "a b", ""] {
        let unknown = json!({"scopes": [word]});
        let refused = world.merge(&world.admin, "clients", client.id, unknown).await.unwrap_err();
        assert!(refused.violations()[0].detail.starts_with("expected RESOURCE:PERMISSION"), "{refused:?}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_in_the_same_words() {
    let world = World::new().await;
    let one = world.client(id(&world.ann), json!(["folder"])).await;
    let two = world.client(id(&world.ann), json!(["folder"])).await;
    let disabled = world.client(id(&world.bob), json!(["folder"])).await;
    world.merge(&world.admin, "accounts", id(&world.bob), json!({"disabled": true})).await.unwrap();
    let mut said = Vec::new();
    for (id, secret) in [
        (one.id, two.secret.as_str()),
        (one.id, ""),
        (one.id, &one.secret[..70]),
        (Uuid::from_u128(7), one.secret.as_str()),
        (id(&world.ann), one.secret.as_str()),
        (disabled.id, disabled.secret.as_str()),
    ] {
        let error = world.ask(id, secret, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        said.push(error.message().to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(world.details("client_refused").await.len(), 2, "of those that there are, once in a while");
    // A secret is no key, and no key a secret.
    assert!(world.caller(&one.secret).await.is_err());
    assert!(world.caller(&one.secret.replace("rns_", "rnk_")).await.is_err());
    for _ in 0..50 {
        let _ = world.ask(one.id, &two.secret, None).await;
    }
    assert_eq!(kind(world.ask(one.id, &two.secret, None).await), ErrorKind::RateLimited);
    assert!(world.ask(one.id, &one.secret, None).await.is_ok(), "who is right is let in");
}

#[tokio::test]
async fn whatever_a_token_stands_on_ends_it_at_once() {
    let world = World::new().await;
    let ended = async |token: &str| kind(world.caller(token).await) == ErrorKind::Unauthenticated;
    let client = world.client(id(&world.ann), json!(["folder"])).await;
    let first = world.token(&client).await;
    assert!(world.caller(&first).await.is_ok());
    let secret = world.make_secret(&world.admin, client.id).await.unwrap();
    assert_ne!(secret, client.secret);
    assert!(ended(&first).await && world.ask(client.id, &client.secret, None).await.is_err());
    let client = Client { secret, ..client };
    for (off, on) in [
        (json!({"enabled": false}), json!({"enabled": true})),
        (json!({"account": null}), json!({"account": id(&world.ann)})),
    ] {
        let token = world.token(&client).await;
        world.merge(&world.admin, "clients", client.id, off).await.unwrap();
        assert!(ended(&token).await && world.ask(client.id, &client.secret, None).await.is_err());
        world.merge(&world.admin, "clients", client.id, on).await.unwrap();
        assert!(ended(&token).await, "what has ended does not come back");
        assert!(world.caller(&world.token(&client).await).await.is_ok());
    }
    // It is no token of another account, either.
    let token = world.token(&client).await;
    let become_bob = json!({"account": id(&world.bob)});
    world.merge(&world.admin, "clients", client.id, become_bob).await.unwrap();
    assert!(ended(&token).await);
    let become_ann = json!({"account": id(&world.ann)});
    world.merge(&world.admin, "clients", client.id, become_ann).await.unwrap();
    let token = world.token(&client).await;
    world.merge(&world.admin, "accounts", id(&world.ann), json!({"disabled": true})).await.unwrap();
    assert!(ended(&token).await);
    world.merge(&world.admin, "accounts", id(&world.ann), json!({"disabled": false})).await.unwrap();
    assert!(ended(&token).await, "nor does what has ended with the account");
    let token = world.token(&client).await;
    world.call(&world.admin, "clients", secret_call(client.id, Verb::Delete)).await.unwrap();
    assert!(ended(&token).await);
    let client = Client { secret: world.make_secret(&world.admin, client.id).await.unwrap(), ..client };
    let first = world.token(&client).await;
    world.call(&world.admin, "clients", secret_call(client.id, Verb::Delete)).await.unwrap();
    let client = Client { secret: world.make_secret(&world.admin, client.id).await.unwrap(), ..client };
    let token = world.token(&client).await;
    assert!(ended(&first).await && world.caller(&token).await.is_ok(), "it was given for another secret");
    world.clock.advance(900 * 1_000_000);
    assert!(ended(&token).await, "it lives as long as an access token");
    let token = world.token(&client).await;
    world.delete(&world.admin, "clients", client.id).await.unwrap();
    assert!(ended(&token).await);
    let records = world.services.credentials.records_of(
        client.id,
        realnet_core::provider::RecordKind::Key,
        world.services.clock.now(),
    );
    assert!(records.await.unwrap().is_empty(), "the secret goes with the item");
    let client = world.client(id(&world.ann), json!(["folder"])).await;
    let token = world.token(&client).await;
    world.delete(&world.root, "accounts", id(&world.ann)).await.unwrap();
    assert!(ended(&token).await);
}

#[tokio::test]
async fn a_token_fits_its_client() {
    let world = World::new().await;
    let client = world.client(id(&world.ann), json!(["folder:read"])).await;
    let other = world.client(id(&world.ann), json!(["folder:read"])).await;
    world.make_secret(&world.admin, other.id).await.unwrap();
    let token = world.token(&client).await;
    let changes = [
        ("org", json!(Uuid::from_u128(1))),
        ("sub", json!(other.id)),
        ("sub", json!(id(&world.root))),
        ("epoch", json!(99)),
        ("scope", json!("folder")),
        ("aud", json!("realnet/api")),
        ("iss", json!("somebody else")),
    ];
    // Another token has another place in the memory of callers.
    let place = |number: usize| json!(Uuid::from_u128(100 + number as u128));
    for (number, (claim, value)) in changes.into_iter().enumerate() {
        let forged = resigned(&token, |claims| {
            claims["sid"] = place(number);
            claims[claim] = value.clone();
        });
        assert_eq!(kind(world.caller(&forged).await), ErrorKind::Unauthenticated, "{claim} {value}");
    }
    let again = resigned(&token, |claims| claims["sid"] = place(99));
    assert!(world.caller(&again).await.is_ok(), "the forge works");
}

#[tokio::test]
async fn secrets_are_for_administrators_of_the_org_in_person() {
    let world = World::new().await;
    let client = world.client(id(&world.ann), json!(["folder"])).await;
    let all = ["create", "read", "write", "delete", "execute", "message", "share"];
    let whole = json!({"name": "k", "scopes": [{"resource": "*", "permissions": all}]});
    let key = world.auth(&world.admin, Verb::Post, "keys", whole).await.unwrap();
    let key = world.caller(key["key"].as_str().unwrap()).await.unwrap();
    assert_eq!(kind(world.make_secret(&key, client.id).await), ErrorKind::Forbidden);
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "boss", "password": PASSWORD, "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request = realnet_core::resource::SignIn {
        username: "boss".into(),
        password: PASSWORD.into(),
        org: Some("Second".into()),
        code: None,
    };
    let boss = world
        .accounts
        .sign_in(request, &realnet_core::acl::Origin::default())
        .await
        .unwrap()
        .tokens()
        .unwrap()
        .caller;
    for caller in [&world.ann, &boss, &world.stranger()] {
        for verb in [Verb::Post, Verb::Delete] {
            let refused = kind(world.call(caller, "clients", secret_call(client.id, verb)).await);
            assert!([ErrorKind::NotFound, ErrorKind::Unauthenticated].contains(&refused), "{refused:?}");
        }
    }
    for caller in [&world.ann, &world.stranger()] {
        assert!(world.create(caller, "clients", json!({"name": "mine"})).await.is_err());
    }
    // Whatever else one may do with the item.
    let grant = Grant {
        subject: Subject::Account(id(&world.ann)),
        permissions: Permissions::of(&Permission::ALL[1..]),
    };
    let shared =
        Operation::SetGrants { id: client.id, grants: vec![grant], options: WriteOptions::default() };
    world.call(&world.admin, "clients", shared).await.unwrap();
    assert!(world.get(&world.ann, "clients", client.id).await.is_ok());
    for verb in [Verb::Post, Verb::Delete] {
        let refused = world.call(&world.ann, "clients", secret_call(client.id, verb)).await;
        assert_eq!(kind(refused), ErrorKind::Forbidden, "{verb:?}");
    }
    // No account of another org.
    let body = json!({"name": "shop", "account": id(&world.ann), "scopes": ["folder"]});
    assert_eq!(kind(world.create(&boss, "clients", body).await), ErrorKind::InvalidInput);
    let body = json!({"name": "shop", "account": id(&boss), "scopes": ["folder"]});
    assert_eq!(kind(world.create(&world.admin, "clients", body).await), ErrorKind::InvalidInput);
    assert!(world.ask(client.id, &client.secret, None).await.is_ok());
    let elsewhere = world.call(&world.admin, "accounts", secret_call(id(&world.ann), Verb::Post)).await;
    assert_eq!(kind(elsewhere), ErrorKind::NotFound);
}

#[tokio::test]
async fn nobody_is_raised_along_with_an_account() {
    let world = World::new().await;
    // A client that an administrator has the secret of does not act as a superuser, nor does a key that he has made.
    let client = world.client(id(&world.root), json!(["*"])).await;
    assert_eq!(kind(world.ask(client.id, &client.secret, None).await), ErrorKind::Unauthenticated);
    let by_root = Client { secret: world.make_secret(&world.root, client.id).await.unwrap(), ..client };
    let token = world.token(&by_root).await;
    assert!(world.caller(&token).await.unwrap().is_superuser());
    let scopes = json!([{"resource": "*", "permissions": ["read"]}]);
    let service = json!({"name": "k", "scopes": scopes, "account": id(&world.ann)});
    let of_admin = world.auth(&world.admin, Verb::Post, "keys", service.clone()).await.unwrap();
    let of_root = world.auth(&world.root, Verb::Post, "keys", service).await.unwrap();
    let own =
        world.auth(&world.ann, Verb::Post, "keys", json!({"name": "k", "scopes": scopes})).await.unwrap();
    world.merge(&world.root, "accounts", id(&world.ann), json!({"role": "superuser"})).await.unwrap();
    for (made, counts) in [(&of_admin, false), (&of_root, true), (&own, false)] {
        assert_eq!(world.caller(made["key"].as_str().unwrap()).await.is_ok(), counts, "{made}");
    }
    let ann = world.sign_in("ann").await.caller;
    let made = world.auth(&ann, Verb::Post, "keys", json!({"name": "k", "scopes": scopes})).await.unwrap();
    assert!(world.caller(made["key"].as_str().unwrap()).await.is_ok(), "as what one is");
}

#[tokio::test]
async fn no_administrator_raises_a_client_whose_secret_a_superuser_has_made() {
    let world = World::new().await;
    let counts = async |client: &Client| world.ask(client.id, &client.secret, None).await.is_ok();
    let by_root = async |account: Uuid, scopes: Value| {
        let client = world.client(account, scopes).await;
        Client { secret: world.make_secret(&world.root, client.id).await.unwrap(), ..client }
    };
    // Of a secret that was made for Ann, nothing becomes a superuser's.
    let client = by_root(id(&world.ann), json!(["folder"])).await;
    let token = world.token(&client).await;
    world.merge(&world.admin, "clients", client.id, json!({"account": id(&world.root)})).await.unwrap();
    assert!(!counts(&client).await && world.caller(&token).await.is_err());
    world.merge(&world.admin, "clients", client.id, json!({"account": id(&world.bob)})).await.unwrap();
    assert!(counts(&client).await, "among those whom an administrator may be as well");
    // One that was made for a superuser has what its item said then, or less.
    let client = by_root(id(&world.root), json!(["folder:create,read"])).await;
    for (scopes, is_within) in [
        (json!(["folder:read"]), true),
        (json!(["folder"]), false),
        (json!(["folder:create,read", "group:read"]), false),
        (json!(["*"]), false),
        (json!(["folder:create,read"]), true),
    ] {
        world.merge(&world.admin, "clients", client.id, json!({"scopes": scopes})).await.unwrap();
        assert_eq!(counts(&client).await, is_within, "{scopes}");
    }
    world.merge(&world.root, "clients", client.id, json!({"scopes": ["group:read"]})).await.unwrap();
    assert!(!counts(&client).await, "whoever has changed it");
    let client = Client { secret: world.make_secret(&world.root, client.id).await.unwrap(), ..client };
    assert!(counts(&client).await, "until a superuser makes its secret anew");
}

#[tokio::test]
async fn settings_that_no_field_declares_are_refused() {
    let world = World::new().await;
    let client = world.client(id(&world.ann), json!(["folder"])).await;
    let provider = json!({"name": "P", "issuer": "https://idp.test", "client_id": "x"});
    let provider = id_of(&world.create(&world.admin, "auths", provider).await.unwrap());
    for (endpoint, id, slip, meant) in [
        ("clients", client.id, "enable", "enabled"),
        ("auths", provider, "allowed_domain", "allowed_domains"),
        ("auths", provider, "create_account", "create_accounts"),
    ] {
        let error = world.merge(&world.admin, endpoint, id, json!({slip: false})).await.unwrap_err();
        assert_eq!(error.violations()[0].pointer, format!("/attributes/{slip}"));
        assert!(error.violations()[0].detail.contains(&format!("is {meant} meant?")), "{error:?}");
    }
    for (endpoint, mut new) in [
        ("clients", json!({"name": "c"})),
        ("auths", json!({"name": "p", "issuer": "https://idp.test", "client_id": "x"})),
    ] {
        new["colour"] = json!("red");
        assert_eq!(kind(world.create(&world.admin, endpoint, new).await), ErrorKind::InvalidInput);
    }
    world.set_silently(client.id, "colour", json!("red")).await;
    world.merge(&world.admin, "clients", client.id, json!({"description": "x"})).await.unwrap();
}

#[tokio::test]
async fn a_client_without_an_account_gets_no_secret() {
    let world = World::new().await;
    let body = json!({"name": "shop", "scopes": ["folder"]});
    let client = id_of(&world.create(&world.admin, "clients", body).await.unwrap());
    let error = world.make_secret(&world.admin, client).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Conflict && error.message().contains("account"), "{error:?}");
    world.merge(&world.admin, "clients", client, json!({"account": id(&world.ann)})).await.unwrap();
    let secret = world.make_secret(&world.admin, client).await.unwrap();
    assert!(world.ask(client, &secret, None).await.is_ok());
}
