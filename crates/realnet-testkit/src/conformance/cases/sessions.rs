//! The sessions of an account: what is kept of them, and ending all others.

use realnet_core::Uuid;
use realnet_core::change::Operation;
use realnet_core::clock::Timestamp;
use realnet_core::provider::Session;

use crate::conformance::World;

/// A session of an account without a password, whose epoch is that of an account that was never touched.
fn session(world: &World, account: Uuid, created_at: Timestamp) -> Session {
    Session {
        id: world.next_id(),
        account,
        epoch: 0,
        refresh_hash: b"one".to_vec(),
        previous_hash: None,
        created_at,
        expires_at: created_at.plus_seconds(3600),
        used_at: created_at,
        method: "password".to_owned(),
        factor: false,
        address: None,
        agent: None,
    }
}

async fn open(world: &World, session: &Session) {
    world.stores.credentials.open_session(session.clone()).await.expect("sessions are kept");
}

async fn of(world: &World, account: Uuid, now: Timestamp) -> Vec<Uuid> {
    let sessions = world.stores.credentials.sessions_of(account, now).await.expect("reading sessions works");
    sessions.iter().map(|session| session.id).collect()
}

/// Everything of a session is read back, one by one and in the list; using it is noted.
pub async fn everything_of_a_session_is_kept(world: World) {
    let (account, now) = (world.acme.alice.account.unwrap(), world.now());
    let whole = Session {
        method: "oidc".to_owned(),
        factor: true,
        address: Some("2001:db8::7".to_owned()),
        agent: Some("a client/1.0 (é)".to_owned()),
        previous_hash: Some(b"zero".to_vec()),
        ..session(&world, account, now)
    };
    open(&world, &whole).await;
    let credentials = &world.stores.credentials;
    assert_eq!(credentials.session(whole.id, now).await.unwrap(), Some(whole.clone()));
    assert_eq!(credentials.sessions_of(account, now).await.unwrap(), std::slice::from_ref(&whole));
    let (later, end) = (now.plus_seconds(900), now.plus_seconds(7200));
    assert!(credentials.rotate_session(whole.id, b"one", b"two", end, later).await.unwrap());
    let used = Session {
        refresh_hash: b"two".to_vec(),
        previous_hash: Some(b"one".to_vec()),
        expires_at: end,
        used_at: later,
        ..whole
    };
    assert_eq!(credentials.session(used.id, later).await.unwrap(), Some(used));
}

/// An account has the sessions that have not ended, newest first.
pub async fn an_account_has_its_sessions(world: World) {
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    let now = world.now();
    let old = session(&world, alice, now.plus_seconds(-3000));
    let sessions = [-20, -10, -10, -30].map(|age| session(&world, alice, now.plus_seconds(age)));
    for session in [&old].into_iter().chain(&sessions).chain([&session(&world, bob, now)]) {
        open(&world, session).await;
    }
    let [first, second, third, last] = sessions.map(|session| session.id);
    assert_eq!(of(&world, alice, now).await, [third, second, first, last, old.id]);
    assert_eq!(of(&world, alice, old.expires_at).await, [third, second, first, last]);
    world.stores.credentials.close_session(second).await.unwrap();
    assert_eq!(of(&world, alice, old.expires_at).await, [third, first, last]);
    world.commit(&world.system(), vec![Operation::EndSessions(alice)]).await.unwrap();
    assert!(of(&world, alice, now).await.is_empty());
    // What was opened by the credential of before is void, also when it comes late.
    open(&world, &session(&world, alice, now)).await;
    assert!(of(&world, alice, now).await.is_empty());
    let epoch = world.stores.credentials.credential(alice).await.unwrap().expect("its epoch has risen").epoch;
    let valid = Session { epoch, ..session(&world, alice, now) };
    open(&world, &valid).await;
    assert_eq!(of(&world, alice, now).await, [valid.id]);
    assert_eq!(of(&world, bob, now).await.len(), 1);
    assert!(of(&world, world.next_id(), now).await.is_empty());
}

/// All sessions of an account are ended at once, but for the one that asks.
pub async fn all_others_are_ended(world: World) {
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    let now = world.now();
    let sessions = [0, 1, 2].map(|_| session(&world, alice, now));
    for session in sessions.iter().chain([&session(&world, bob, now)]) {
        open(&world, session).await;
    }
    let credentials = &world.stores.credentials;
    assert_eq!(credentials.close_sessions(alice, Some(sessions[1].id)).await.unwrap(), 2);
    assert_eq!(of(&world, alice, now).await, [sessions[1].id]);
    assert_eq!(credentials.session(sessions[0].id, now).await.unwrap(), None);
    assert_eq!(credentials.close_sessions(alice, None).await.unwrap(), 1);
    assert_eq!(credentials.close_sessions(alice, None).await.unwrap(), 0);
    assert!(of(&world, alice, now).await.is_empty());
    assert_eq!(of(&world, bob, now).await.len(), 1);
}
