//! Signing in.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::Origin;
use realnet_core::resource::{Authenticator, SignIn};
use realnet_resource_accounts::{Accounts, AccountsConfig};
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{PASSWORD, World, config, from, id, id_of};

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let world = World::new().await;
    let disabled = world.person("gone", "user").await;
    world.merge(&world.admin, "accounts", disabled, json!({"disabled": true})).await.unwrap();
    world.create(&world.root, "accounts", json!({"username": "keyless"})).await.unwrap();
    // Ending its sessions leaves a credential without a password.
    let lowered =
        id_of(&world.create(&world.root, "accounts", json!({"username": "lowered"})).await.unwrap());
    world.merge(&world.root, "accounts", lowered, json!({"role": "visitor"})).await.unwrap();
    let other = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    assert!(other["id"].is_string());
    let mut messages = Vec::new();
    for (username, password, org) in [
        ("ann", "wrong password", None),
        ("nobody", PASSWORD, None),
        ("gone", PASSWORD, None),
        ("keyless", PASSWORD, None),
        ("keyless", "", None),
        ("lowered", PASSWORD, None),
        ("lowered", "", None),
        ("ann", PASSWORD, Some("Second")),
        ("ann", PASSWORD, Some("Nowhere")),
        ("ann", PASSWORD, Some("019a0000-0000-7000-8000-000000000000")),
        ("ann' or 1=1 --", PASSWORD, None),
        ("*", PASSWORD, None),
        ("", "", None),
    ] {
        let request = SignIn {
            username: username.into(),
            password: password.into(),
            org: org.map(str::to_owned),
            code: None,
        };
        let error = world.accounts.sign_in(request, &Origin::default()).await.err().expect(username);
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{username}");
        messages.push(error.message().to_owned());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
}

/// Passwords are hashed a bounded number at a time: whoever is turned away because there are too many would have been hashed for.
#[tokio::test]
async fn names_that_nobody_has_are_worked_for_like_any_other() {
    let world = World::new().await;
    // Costly, so that hardly any is done before all have begun.
    let costly = AccountsConfig { bcrypt_cost: 12, ..config() };
    let accounts = Accounts::new(&world.services, costly).await.unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for org in [None, Some("Nowhere")] {
        let mut begun = JoinSet::new();
        // More than may wait and are worked on.
        for number in 0..cores * 160 {
            let accounts = Arc::clone(&accounts);
            begun.spawn(async move {
                let request = SignIn {
                    username: format!("nobody{number}"),
                    password: PASSWORD.to_owned(),
                    org: org.map(str::to_owned),
                    code: None,
                };
                let origin = from(&format!("10.{}.{}.1", number / 250, number % 250));
                accounts.sign_in(request, &origin).await.err().map(|error| error.kind())
            });
        }
        let mut is_turned_away = false;
        while !is_turned_away && let Some(outcome) = begun.join_next().await {
            match outcome.unwrap() {
                Some(ErrorKind::Unavailable) => is_turned_away = true,
                Some(ErrorKind::Unauthenticated) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(is_turned_away, "{org:?}");
    }
}

#[tokio::test]
async fn the_org_is_named_by_name_or_id_or_not_at_all() {
    let world = World::new().await;
    for org in [None, Some("First".to_owned()), Some(world.org.to_string())] {
        let request = SignIn { username: "ann".into(), password: PASSWORD.into(), org, code: None };
        assert_eq!(
            world.accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap().account,
            id(&world.ann)
        );
    }
}

#[tokio::test]
async fn the_same_name_in_two_orgs_is_two_people() {
    let world = World::new().await;
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "ann", "password": "another horse", "org": "Second", "role": "admin"});
    let other = world.create(&world.root, "accounts", body).await.unwrap();
    assert_eq!(world.sign_in("ann").await.account, id(&world.ann));
    let request = SignIn {
        username: "ann".into(),
        password: "another horse".into(),
        org: Some("Second".into()),
        code: None,
    };
    let tokens = world.accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap();
    assert_eq!(
        (json!(tokens.account), json!(tokens.caller.org)),
        (other["id"].clone(), other["org"].clone())
    );
    let get = world.get(&tokens.caller, "accounts", id(&world.ann)).await;
    assert_eq!(get.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn a_caller_has_its_groups_and_roles() {
    let world = World::new().await;
    let group = world.create(&world.admin, "group", json!({"name": "Writers"})).await.unwrap();
    let role = world.create(&world.admin, "role", json!({"name": "HR"})).await.unwrap();
    let own = world.create(&world.admin, "role", json!({"name": "User"})).await.unwrap();
    let token = world.sign_in("ann").await.token;
    let ann = id(&world.ann);
    for (link, body) in [
        ("accountgroup", json!({"account": ann, "group": group["id"]})),
        ("accountrole", json!({"account": ann, "role": role["id"]})),
    ] {
        world.create(&world.admin, link, body).await.unwrap();
    }
    let caller = world.accounts.authenticate(Some(&token), None).await.unwrap();
    let ids = |principals: &[realnet_core::acl::Principal]| {
        principals.iter().map(|one| (json!(one.id), one.name.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(ids(&caller.groups), [(group["id"].clone(), "writers".to_owned())]);
    let mut roles = ids(&caller.roles);
    roles.sort_by_key(|(_, name)| name.clone());
    assert_eq!(roles, [(role["id"].clone(), "hr".to_owned()), (own["id"].clone(), "user".to_owned())]);
}
