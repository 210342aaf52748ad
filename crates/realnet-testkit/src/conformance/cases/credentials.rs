//! Passwords, sessions and settings.

use realnet_core::change::Operation;
use realnet_core::provider::{Credential, Session};
use realnet_core::{ErrorKind, Uuid};

use crate::conformance::{World, expect_kind, race};

async fn set_password(world: &World, account: Uuid, hash: &str) {
    let operation = Operation::SetPassword { account, password_hash: hash.to_owned() };
    world.commit(&world.system(), vec![operation]).await.expect("passwords are kept");
}

async fn credential(world: &World, account: Uuid) -> Option<Credential> {
    world.stores.credentials.credential(account).await.expect("reading a credential works")
}

/// A session of an account that has a password, good for an hour.
async fn open(world: &World, account: Uuid, hash: &[u8]) -> Session {
    let epoch = credential(world, account).await.expect("the account has a password").epoch;
    let now = world.now();
    let session = Session {
        id: world.next_id(),
        account,
        epoch,
        refresh_hash: hash.to_vec(),
        previous_hash: None,
        created_at: now,
        expires_at: now.plus_seconds(3600),
        used_at: now,
        method: "password".to_owned(),
        factor: false,
        address: None,
        agent: None,
    };
    world.stores.credentials.open_session(session.clone()).await.expect("sessions are kept");
    session
}

async fn session(world: &World, id: Uuid) -> Option<Session> {
    world.stores.credentials.session(id, world.now()).await.expect("reading a session works")
}

/// A password is kept per account, and each change raises the epoch.
pub async fn a_password_raises_the_epoch(world: World) {
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    assert_eq!(credential(&world, alice).await, None);
    set_password(&world, alice, "$2b$12$first").await;
    set_password(&world, bob, "$2b$12$bob").await;
    let first = credential(&world, alice).await.unwrap();
    assert_eq!((first.account, first.password_hash.as_str()), (alice, "$2b$12$first"));
    set_password(&world, alice, "$2b$12$second").await;
    let second = credential(&world, alice).await.unwrap();
    assert_eq!(second.password_hash, "$2b$12$second");
    assert!(second.epoch > first.epoch);
    world.commit(&world.system(), vec![Operation::EndSessions(alice)]).await.unwrap();
    let third = credential(&world, alice).await.unwrap();
    assert!(third.epoch > second.epoch);
    assert_eq!(third.password_hash, second.password_hash);
    assert_eq!(credential(&world, bob).await.unwrap().password_hash, "$2b$12$bob");
    assert!(!format!("{third:?}").contains("second"), "a hash must not appear in logs");
}

/// A session lasts until it is closed, expires, or its account's epoch rises.
pub async fn a_session_ends(world: World) {
    let alice = world.acme.alice.account.unwrap();
    set_password(&world, alice, "hash").await;
    let first = open(&world, alice, b"one").await;
    let second = open(&world, alice, b"two").await;
    assert_eq!(session(&world, first.id).await, Some(first.clone()));
    world.stores.credentials.close_session(first.id).await.unwrap();
    world.stores.credentials.close_session(first.id).await.unwrap();
    assert_eq!(session(&world, first.id).await, None);
    assert_eq!(session(&world, second.id).await, Some(second.clone()));
    let late = second.expires_at.plus_seconds(1);
    assert_eq!(world.stores.credentials.session(second.id, late).await.unwrap(), None);
    let early = second.expires_at.plus_seconds(-1);
    assert_eq!(world.stores.credentials.session(second.id, early).await.unwrap(), Some(second.clone()));
    set_password(&world, alice, "other").await;
    assert_eq!(session(&world, second.id).await, None);
    let third = open(&world, alice, b"three").await;
    assert_eq!(session(&world, third.id).await, Some(third.clone()));
    world.commit(&world.system(), vec![Operation::EndSessions(alice)]).await.unwrap();
    assert_eq!(session(&world, third.id).await, None);
    assert_eq!(session(&world, world.next_id()).await, None);
}

/// The hash of a password is replaced if it is still the one that was checked; sessions go on.
pub async fn a_hash_is_replaced_by_who_knows_it(world: World) {
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    let credentials = &world.stores.credentials;
    assert!(!credentials.rehash(alice, "$2b$04$first", "$2b$12$first").await.unwrap());
    assert_eq!(credential(&world, alice).await, None);
    set_password(&world, alice, "$2b$04$first").await;
    set_password(&world, bob, "$2b$04$first").await;
    let opened = open(&world, alice, b"one").await;
    let before = credential(&world, alice).await.unwrap();
    assert!(!credentials.rehash(alice, "$2b$04$other", "$2b$12$other").await.unwrap());
    assert_eq!(credential(&world, alice).await.unwrap(), before);
    assert!(credentials.rehash(alice, "$2b$04$first", "$2b$12$first").await.unwrap());
    let after = credential(&world, alice).await.unwrap();
    assert_eq!((after.password_hash.as_str(), after.epoch), ("$2b$12$first", before.epoch));
    assert!(session(&world, opened.id).await.is_some());
    assert_eq!(credential(&world, bob).await.unwrap().password_hash, "$2b$04$first");
}

/// A refresh token is replaced once; the one before is remembered, so that its reuse can be told.
pub async fn a_refresh_token_rotates(world: World) {
    let alice = world.acme.alice.account.unwrap();
    set_password(&world, alice, "hash").await;
    let opened = open(&world, alice, b"one").await;
    let later = opened.expires_at.plus_seconds(3600);
    let rotate = |current: &'static [u8], next: &'static [u8]| {
        let credentials = world.stores.credentials.clone();
        async move {
            credentials.rotate_session(opened.id, current, next, later, opened.created_at).await.unwrap()
        }
    };
    assert!(!rotate(b"wrong", b"x").await);
    assert!(rotate(b"one", b"two").await);
    assert!(!rotate(b"one", b"three").await);
    let rotated = session(&world, opened.id).await.unwrap();
    assert_eq!(rotated.refresh_hash, b"two");
    assert_eq!(rotated.previous_hash.as_deref(), Some(&b"one"[..]));
    assert_eq!(rotated.expires_at, later);
    assert!(rotate(b"two", b"four").await);
    assert_eq!(session(&world, opened.id).await.unwrap().previous_hash.as_deref(), Some(&b"two"[..]));
    let missing =
        world.stores.credentials.rotate_session(world.next_id(), b"one", b"two", later, later).await;
    assert!(!missing.unwrap());
}

/// Of several who use one refresh token at the same moment, one gets the next.
pub async fn one_rotation_wins(world: World) {
    let alice = world.acme.alice.account.unwrap();
    set_password(&world, alice, "hash").await;
    let opened = open(&world, alice, b"one").await;
    let results = race(12, |index| {
        let (world, opened) = (world.clone(), opened.clone());
        async move {
            let next = [index as u8; 32];
            let credentials = &world.stores.credentials;
            credentials
                .rotate_session(opened.id, b"one", &next, opened.expires_at, opened.created_at)
                .await
                .unwrap()
        }
    })
    .await;
    let winners: Vec<usize> = (0..results.len()).filter(|index| results[*index]).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(session(&world, opened.id).await.unwrap().refresh_hash, [winners[0] as u8; 32]);
}

/// Deleting an account takes its password and sessions along.
pub async fn a_deleted_account_can_not_come_back(world: World) {
    let alice = world.acme.alice.account.unwrap();
    set_password(&world, alice, "hash").await;
    let opened = open(&world, alice, b"one").await;
    world.delete(&world.system(), alice).await.unwrap();
    assert_eq!(credential(&world, alice).await, None);
    assert_eq!(session(&world, opened.id).await, None);
}

/// A password that is set in a set that fails is not set.
pub async fn a_failed_set_keeps_the_password(world: World) {
    let alice = world.acme.alice.account.unwrap();
    set_password(&world, alice, "kept").await;
    let before = credential(&world, alice).await;
    let opened = open(&world, alice, b"one").await;
    let operations = vec![
        Operation::SetPassword { account: alice, password_hash: "lost".to_owned() },
        Operation::EndSessions(alice),
        crate::conformance::delete(world.next_id()),
    ];
    expect_kind(world.commit(&world.system(), operations).await, ErrorKind::NotFound);
    assert_eq!(credential(&world, alice).await, before);
    assert_eq!(session(&world, opened.id).await, Some(opened));
}

/// A setting has the value of whoever came first, for all of them.
pub async fn a_setting_has_one_value(world: World) {
    let values = race(16, |index| {
        let credentials = world.stores.credentials.clone();
        async move { credentials.setting_or_insert("signing-key", vec![index as u8, 0, 255]).await.unwrap() }
    })
    .await;
    assert!(values.iter().all(|value| value == &values[0]), "{values:?}");
    let credentials = &world.stores.credentials;
    assert_eq!(credentials.setting_or_insert("signing-key", vec![]).await.unwrap(), values[0]);
    assert_eq!(credentials.setting_or_insert("other", vec![]).await.unwrap(), Vec::<u8>::new());
}

/// A setting is replaced by who knows its value: of sixteen at a time, one wins.
pub async fn a_setting_is_replaced_by_who_knows_it(world: World) {
    let credentials = &world.stores.credentials;
    assert_eq!(credentials.setting("key").await.unwrap(), None);
    assert!(!credentials.replace_setting("key", &[], vec![1]).await.unwrap(), "there is none");
    credentials.setting_or_insert("key", vec![0, 255]).await.unwrap();
    assert!(!credentials.replace_setting("key", &[0, 254], vec![1]).await.unwrap());
    assert_eq!(credentials.setting("key").await.unwrap(), Some(vec![0, 255]));
    let results = race(16, |index| {
        let credentials = credentials.clone();
        async move { credentials.replace_setting("key", &[0, 255], vec![index as u8; 3]).await.unwrap() }
    })
    .await;
    let winners: Vec<usize> = (0..results.len()).filter(|index| results[*index]).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(credentials.setting("key").await.unwrap(), Some(vec![winners[0] as u8; 3]));
}
