//! Identities that people link with the account that they have.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::provider::RecordKind;
use realnet_core::resource::Verb;
use realnet_core::{ErrorKind, Result};
use serde_json::{Value, json};

use super::{Place, app, person};
use crate::between::{Between, Step};
use crate::mail::MailServer;
use crate::world::{PASSWORD, id, kind};

pub async fn link(place: &Place, caller: &Arc<Caller>, name: &str) -> Result<()> {
    let departed = place.leave(caller, true, &[("return_to", "/account")]).await?;
    let brought = place.idp.sign_in(&departed.location, &person(name));
    let arrived = place.come_back(&brought, Some(&departed.binding)).await?;
    assert!(arrived.tokens.is_none() && arrived.location == "/account");
    Ok(())
}

async fn links(place: &Place, caller: &Arc<Caller>) -> Vec<Value> {
    let links = place.world.auth(caller, Verb::Get, "links", Value::Null).await.unwrap();
    links.as_array().unwrap().clone()
}

#[tokio::test]
async fn an_identity_is_linked_listed_and_unlinked() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    link(&place, &world.ann, "somebody").await.unwrap();
    link(&place, &world.ann, "somebody").await.unwrap();
    let listed = links(&place, &world.ann).await;
    assert_eq!((listed.len(), &listed[0]["issuer"]), (1, &json!(super::ISSUER)));
    assert_eq!(listed[0]["provider"], json!(place.provider));
    assert_eq!(place.sign_in(person("somebody")).await.account, id(&world.ann));
    let path = format!("links/{}", listed[0]["id"].as_str().unwrap());
    let others = world.auth(&world.bob, Verb::Delete, &path, Value::Null).await;
    assert_eq!(kind(others), ErrorKind::NotFound);
    assert_eq!(
        kind(world.auth(&world.stranger(), Verb::Get, "links", Value::Null).await),
        ErrorKind::Unauthenticated
    );
    world.auth(&world.ann, Verb::Delete, &path, Value::Null).await.unwrap();
    assert!(links(&place, &world.ann).await.is_empty());
    assert_eq!(kind(place.try_sign_in(person("somebody")).await), ErrorKind::Forbidden);
    let events = world.events(Some(id(&world.ann))).await;
    assert!(events.contains(&"linked") && events.contains(&"unlinked"), "{events:?}");
}

#[tokio::test]
async fn an_identity_is_one_accounts() {
    let place = Place::with(json!({})).await;
    link(&place, &place.world.ann, "somebody").await.unwrap();
    assert_eq!(kind(link(&place, &place.world.bob, "somebody").await), ErrorKind::Conflict);
    assert_eq!(place.sign_in(person("somebody")).await.account, id(&place.world.ann));
}

#[tokio::test]
async fn who_links_has_just_shown_who_they_are() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    assert_eq!(kind(link(&place, &world.stranger(), "eve").await), ErrorKind::Unauthenticated);
    world.clock.advance(601_000_000);
    // A token that was stolen later is not enough to get a way in that stays.
    assert_eq!(kind(link(&place, &world.ann, "eve").await), ErrorKind::InvalidInput);
    let ann = world.sign_in("ann").await.caller;
    link(&place, &ann, "eve").await.unwrap();
}

#[tokio::test]
async fn linking_gives_no_session() {
    let place = Place::with(json!({})).await;
    let challenge = "a".repeat(43);
    let outcome = place.leave(&place.world.ann, true, &[("code_challenge", challenge.as_str())]).await;
    assert_eq!(kind(outcome), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_session_that_has_ended_links_nothing() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    let departed = place.leave(&world.ann, true, &[]).await.unwrap();
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    world
        .merge(&world.admin, "accounts", id(&world.ann), json!({"password": "another long one"}))
        .await
        .unwrap();
    assert_eq!(kind(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Unauthenticated);
    assert!(kind(place.try_sign_in(person("eve")).await) == ErrorKind::Forbidden);
}

#[tokio::test]
async fn providers_of_other_orgs_are_not_linked_with() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    let org = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "zoe", "password": PASSWORD, "org": org["id"]});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request = realnet_core::resource::SignIn {
        username: "zoe".to_owned(),
        password: PASSWORD.to_owned(),
        org: Some("Second".to_owned()),
        code: None,
    };
    let origin = realnet_core::acl::Origin::default();
    let zoe = realnet_core::resource::Authenticator::sign_in(&*world.accounts, request, &origin)
        .await
        .unwrap()
        .tokens()
        .unwrap()
        .caller;
    assert_eq!(kind(link(&place, &zoe, "zoe").await), ErrorKind::NotFound);
}

#[tokio::test]
async fn one_of_before_the_raise_opens_no_superuser() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    link(&place, &world.ann, "eve").await.unwrap();
    place.sign_in(person("eve")).await;
    let of_ann = format!("links?account={}", id(&world.ann));
    let seen = world.auth(&world.admin, Verb::Get, &of_ann, Value::Null).await.unwrap();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(kind(world.auth(&world.bob, Verb::Get, &of_ann, Value::Null).await), ErrorKind::NotFound);
    world.merge(&world.root, "accounts", id(&world.ann), json!({"role": "superuser"})).await.unwrap();
    assert_eq!(kind(place.try_sign_in(person("eve")).await.map(drop)), ErrorKind::Forbidden);
    let ann = world.sign_in("ann").await.caller;
    let path = format!("links/{}", links(&place, &ann).await[0]["id"].as_str().unwrap());
    world.auth(&ann, Verb::Delete, &path, Value::Null).await.unwrap();
    link(&place, &ann, "eve").await.unwrap();
    assert!(place.sign_in(person("eve")).await.caller.is_superuser());
    // Nor does an upgrade lock superusers out whose links do not say when they were made.
    crate::required::forget_the_raise(world, id(&ann), RecordKind::Link).await;
    assert!(place.sign_in(person("eve")).await.caller.is_superuser());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_taken_away_while_it_signs_in_opens_nothing() {
    for is_program in [false, true] {
        let (store, between) = Between::empty_store().await;
        let place = Place::on(store, app(), json!({})).await;
        let world = &place.world;
        link(&place, &world.ann, "eve").await.unwrap();
        let records = &world.services.credentials;
        let kept = records.records_of(id(&world.ann), RecordKind::Link, world.services.clock.now()).await;
        let (key, credentials) = (kept.unwrap()[0].key.clone(), Arc::clone(records));
        let challenge = "a".repeat(43);
        let of_program = [
            ("redirect_uri", "http://127.0.0.1:7000/done"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let pairs = if is_program { &of_program[..] } else { &[] };
        let departed = place.leave(&world.stranger(), false, pairs).await.unwrap();
        let brought = place.idp.sign_in(&departed.location, &person("eve"));
        // Whose account it is has been found by then, and nothing opened yet.
        between.before(Step::Password, async move {
            assert!(credentials.remove_record(RecordKind::Link, &key).await.unwrap());
        });
        let arrived = place.come_back(&brought, Some(&departed.binding)).await;
        between.look_away();
        match arrived {
            Ok(arrived) => {
                assert!(is_program && arrived.location.contains("error=access_denied"), "{arrived:?}");
            }
            Err(error) => assert!(!is_program && error.kind() == ErrorKind::Conflict, "{error}"),
        }
    }
}

#[tokio::test]
async fn the_only_way_in_stays() {
    let (store, between) = Between::empty_store().await;
    let place = Place::on(store, app(), json!({"create_accounts": true})).await;
    let world = &place.world;
    let eve = place.sign_in(person("eve")).await.caller;
    let path = format!("links/{}", links(&place, &eve).await[0]["id"].as_str().unwrap());
    // Not away for a moment, either.
    between.watch(|step| step != Step::Remove(RecordKind::Link));
    assert_eq!(kind(world.auth(&eve, Verb::Delete, &path, Value::Null).await), ErrorKind::Conflict);
    between.look_away();
    world.merge(&world.admin, "accounts", id(&eve), json!({"password": PASSWORD})).await.unwrap();
    let eve = world.sign_in("eve").await.caller;
    world.auth(&eve, Verb::Delete, &path, Value::Null).await.unwrap();
}

#[tokio::test]
async fn of_the_last_two_ways_in_one_stays() {
    let (store, _between) = Between::empty_store().await;
    let place = Place::on(store, app(), json!({"create_accounts": true})).await;
    let world = &place.world;
    let eve = place.sign_in(person("eve")).await.caller;
    link(&place, &eve, "eve elsewhere").await.unwrap();
    let paths: Vec<String> = links(&place, &eve)
        .await
        .iter()
        .map(|link| format!("links/{}", link["id"].as_str().unwrap()))
        .collect();
    let unlink = |path: &'static str| world.auth(&eve, Verb::Delete, path, Value::Null);
    let [one, other] = [0, 1].map(|index| &*Box::leak(paths[index].clone().into_boxed_str()));
    let both = tokio::join!(unlink(one), unlink(other));
    assert!(both.0.is_err() || both.1.is_err());
    assert!(!links(&place, &eve).await.is_empty());
}

#[tokio::test]
async fn sign_ins_that_were_begun_together_make_no_more_links_than_allowed() {
    let place = Place::with(json!({})).await;
    let ann = &place.world.ann;
    let mut begun = Vec::new();
    for number in 0..22 {
        let departed = place.leave(ann, true, &[]).await.unwrap();
        let brought = place.idp.sign_in(&departed.location, &person(&format!("ann{number}")));
        begun.push((brought, departed.binding));
    }
    let mut made = 0;
    for (brought, binding) in &begun {
        match place.come_back(brought, Some(binding)).await {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
        }
    }
    assert_eq!((made, links(&place, ann).await.len()), (20, 20));
}

#[tokio::test]
async fn the_owner_is_told_of_a_link() {
    let server = MailServer::start();
    let place = Place::mailing(server.config(), json!({})).await;
    link(&place, &place.world.ann, "eve").await.unwrap();
    let letter = server.next().await;
    assert_eq!(letter.to, "ann@first.test");
    assert!(letter.text.contains("an identity elsewhere"), "{}", letter.text);
}
