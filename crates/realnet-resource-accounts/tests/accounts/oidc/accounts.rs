//! Whose account it is that somebody from a provider gets.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::OrgRole;
use serde_json::{Value, json};

use super::{Place, person};
use crate::world::{id, id_of, kind};

/// Gives an account of the org a verified address.
async fn verify(place: &Place, account: realnet_core::Uuid) {
    let world = &place.world;
    world.merge(&world.root, "accounts", account, json!({"email_verified": true})).await.unwrap();
}

#[tokio::test]
async fn who_is_new_gets_an_account_and_keeps_it() {
    let place = Place::with(json!({"create_accounts": true, "role": "visitor"})).await;
    let tokens = place.sign_in(person("eve")).await;
    assert_eq!(tokens.caller.role, Some(OrgRole::Visitor));
    let account = place.account(tokens.account).await;
    assert_eq!((&account["username"], &account["email"]), (&json!("eve"), &json!("eve@first.test")));
    assert_eq!((&account["email_verified"], &account["display_name"]), (&json!(true), &json!("eve")));
    assert!(place.world.token_works(&tokens.token).await);
    // By issuer and subject, whatever else the provider says of them now.
    let mut renamed = person("eve");
    renamed["email"] = json!("other@first.test");
    renamed["preferred_username"] = json!("other");
    assert_eq!(place.sign_in(renamed).await.account, tokens.account);
    assert_eq!(place.world.events(Some(tokens.account)).await, ["sign_up", "sign_in", "sign_in"]);
    assert_eq!(place.world.details("sign_in").await.last().unwrap()["method"], "oidc");
    let session = &place
        .world
        .auth(&tokens.caller, realnet_core::resource::Verb::Get, "sessions", Value::Null)
        .await
        .unwrap()[0];
    assert_eq!((&session["method"], &session["factor"]), (&json!("oidc"), &json!(false)));
}

#[tokio::test]
async fn an_identity_is_of_one_issuer_in_one_org() {
    let mut place = Place::new().await;
    let first = place.sign_in(person("eve")).await.account;
    let world = &place.world;
    let second = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    // The same subject of another issuer is somebody else, and so is the same identity in another org: whoever sets the
    // providers of an org could be anybody's in another.
    let mut accounts = vec![first];
    for (issuer, org) in [(super::OTHER, json!(world.org)), (super::ISSUER, second["id"].clone())] {
        let item = json!({"name": "Other", "issuer": issuer, "client_id": super::CLIENT, "client_secret": super::SECRET,
            "create_accounts": true, "org": org});
        let provider = id_of(&place.world.create(&place.world.root, "auths", item).await.unwrap());
        let idp = if issuer == super::OTHER { &place.other } else { &place.idp };
        let (before, idp) = (std::mem::replace(&mut place.provider, provider), Arc::clone(idp));
        let departed = place.start().await;
        let mut same = person("eve");
        same["email_verified"] = json!(false);
        let brought = idp.sign_in(&departed.location, &same);
        let arrived = place.come_back(&brought, Some(&departed.binding)).await.unwrap();
        accounts.push(arrived.tokens.unwrap().account);
        place.provider = before;
    }
    let distinct: std::collections::HashSet<_> = accounts.iter().collect();
    assert_eq!(distinct.len(), 3, "{accounts:?}");
    assert_eq!(place.sign_in(person("eve")).await.account, first);
}

#[tokio::test]
async fn nobody_gets_an_account_unless_it_is_said() {
    let place = Place::with(json!({})).await;
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn names_that_are_taken_get_another() {
    let place = Place::new().await;
    let mut other = person("ann");
    other["email"] = json!("ann.other@first.test");
    let made = place.sign_in(other).await.account;
    assert_ne!(made, id(&place.world.ann));
    let username = place.account(made).await["username"].as_str().unwrap().to_owned();
    assert!(username.starts_with("ann-"), "{username}");
}

#[tokio::test]
async fn two_sign_ins_at_once_make_one_account() {
    let place = Place::new().await;
    let (one, other) = (place.start().await, place.start().await);
    let brought = [&one, &other].map(|departed| place.idp.sign_in(&departed.location, &person("eve")));
    let (first, second) = tokio::join!(
        place.come_back(&brought[0], Some(&one.binding)),
        place.come_back(&brought[1], Some(&other.binding))
    );
    let accounts: Vec<_> =
        [first, second].into_iter().filter_map(|done| Some(done.ok()?.tokens?.account)).collect();
    assert!(!accounts.is_empty() && accounts.iter().all(|account| *account == accounts[0]));
    assert_eq!(place.sign_in(person("eve")).await.account, accounts[0]);
}

#[tokio::test]
async fn an_address_opens_an_account_only_when_both_sides_have_proved_it_and_it_is_said() {
    for (links, proved_here, proved_there, opens) in [
        (true, true, true, true),
        (false, true, true, false),
        (true, false, true, false),
        (true, true, false, false),
    ] {
        let place = Place::with(json!({"link_by_email": links})).await;
        let ann = id(&place.world.ann);
        place
            .world
            .merge(&place.world.root, "accounts", ann, json!({"email": "ann@first.test"}))
            .await
            .unwrap();
        if proved_here {
            verify(&place, ann).await;
        }
        let mut subject = person("ann");
        subject["email_verified"] = json!(proved_there);
        let outcome = place.try_sign_in(subject).await;
        assert_eq!(outcome.is_ok(), opens, "{links} {proved_here} {proved_there}");
        if opens {
            assert_eq!(outcome.unwrap().tokens.unwrap().account, ann);
            assert!(place.world.events(Some(ann)).await.contains(&"linked"));
        }
    }
}

#[tokio::test]
async fn an_address_that_is_not_proved_stays_out_of_the_account() {
    for verified in [json!(false), Value::Null] {
        let place = Place::new().await;
        let mut subject = person("ann");
        subject["email_verified"] = verified;
        let account = place.account(place.sign_in(subject).await.account).await;
        assert!(account.get("email").is_none_or(Value::is_null), "{account}");
    }
}

#[tokio::test]
async fn an_address_never_opens_a_superuser() {
    // Administrators of an org choose its providers, and could say anything by one of their own.
    let place = Place::with(json!({"link_by_email": true, "create_accounts": true})).await;
    verify(&place, id(&place.world.root)).await;
    assert_eq!(kind(place.try_sign_in(person("root")).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_address_of_another_org_is_nobodys_here() {
    let place = Place::with(json!({"link_by_email": true})).await;
    let world = &place.world;
    let org = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body =
        json!({"username": "zoe", "email": "zoe@first.test", "email_verified": true, "org": org["id"]});
    world.create(&world.root, "accounts", body).await.unwrap();
    assert_eq!(kind(place.try_sign_in(person("zoe")).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn only_people_of_the_named_domains_come_in() {
    let place = Place::with(json!({"create_accounts": true, "allowed_domains": ["first.test"]})).await;
    place.sign_in(person("eve")).await;
    let mut other = person("fay");
    other["email"] = json!("fay@second.test");
    assert_eq!(kind(place.try_sign_in(other).await), ErrorKind::Forbidden);
    let mut unproved = person("gil");
    unproved["email_verified"] = json!(false);
    assert_eq!(kind(place.try_sign_in(unproved).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn who_is_disabled_stays_out_and_who_was_deleted_is_new() {
    let place = Place::new().await;
    let world = &place.world;
    let eve = place.sign_in(person("eve")).await;
    world.merge(&world.admin, "accounts", eve.account, json!({"disabled": true})).await.unwrap();
    assert!(!world.token_works(&eve.token).await);
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Forbidden);
    world.merge(&world.admin, "accounts", eve.account, json!({"disabled": false})).await.unwrap();
    assert_eq!(place.sign_in(person("eve")).await.account, eve.account);
    world.delete(&world.admin, "accounts", eve.account).await.unwrap();
    world.clock.advance(61_000_000);
    assert_ne!(place.sign_in(person("eve")).await.account, eve.account);
}
