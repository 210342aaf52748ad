//! Events: order, pages, filters, and how long they are kept.

use realnet_core::Uuid;
use realnet_core::acl::Origin;
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::provider::{AuthEvent, EventFilter, EventKind};
use serde_json::json;

use crate::conformance::{World, eventually, expect_kind, race};

fn event(world: &World, kind: EventKind, account: Option<Uuid>) -> AuthEvent {
    let (id, at) = (world.next_id(), world.now());
    AuthEvent { id, org: world.acme.id, account, kind, origin: Origin::new("http"), detail: json!({}), at }
}

async fn append(world: &World, event: &AuthEvent) {
    world.stores.credentials.append_event(event.clone()).await.expect("events are kept");
}

async fn found(world: &World, filter: EventFilter) -> Vec<AuthEvent> {
    world.stores.credentials.events(world.acme.id, &filter, None, 100).await.expect("reading events works")
}

/// Everything of an event is read back; writing it again changes nothing.
pub async fn an_event_is_kept(world: World) {
    let mut whole = event(&world, EventKind::SignIn, world.acme.alice.account);
    whole.origin = Origin::new("http")
        .with_address("2001:db8::7".parse().ok())
        .with_agent(Some("a client/1.0 (\"é\")"))
        .with_token(Some(world.next_id()));
    whole.detail = json!({"method": "password", "n": [1, null, "\u{0}"]});
    let bare = AuthEvent { origin: Origin::default(), ..event(&world, EventKind::SignInFailed, None) };
    append(&world, &whole).await;
    append(&world, &bare).await;
    append(&world, &AuthEvent { kind: EventKind::Locked, ..whole.clone() }).await;
    assert_eq!(found(&world, EventFilter::default()).await, [bare, whole.clone()]);
    let large = AuthEvent { detail: json!("x".repeat(AuthEvent::MAX_DETAIL)), id: world.next_id(), ..whole };
    let refused = world.stores.credentials.append_event(large).await;
    expect_kind(refused, realnet_core::ErrorKind::Internal);
}

/// Events come newest first, page by page, whoever wrote them at the same time.
pub async fn newest_come_first(world: World) {
    let written = race(8, |index| {
        let world = world.clone();
        async move {
            let mut written = Vec::new();
            for _ in 0..5 {
                let event = event(&world, EventKind::ALL[index], None);
                append(&world, &event).await;
                written.push(event);
            }
            written
        }
    })
    .await;
    let mut expected: Vec<AuthEvent> = written.into_iter().flatten().collect();
    expected.sort_by_key(|event| std::cmp::Reverse(event.id));
    let mut read: Vec<AuthEvent> = Vec::new();
    loop {
        let before = read.last().map(|event| event.id);
        let credentials = &world.stores.credentials;
        let page = credentials.events(world.acme.id, &EventFilter::default(), before, 7).await.unwrap();
        read.extend(page.iter().cloned());
        if page.len() < 7 || read.len() > 100 {
            break;
        }
    }
    assert_eq!(read, expected);
}

/// Each part of a filter holds, alone and with others, and nothing of another org is seen.
pub async fn filters_and_orgs_hold(world: World) {
    let accounts = [world.acme.alice.account, world.acme.bob.account, None];
    let kinds = [EventKind::SignIn, EventKind::SignInFailed, EventKind::Refresh, EventKind::KeyMade];
    let mut all = Vec::new();
    for index in 0..24 {
        all.push(event(&world, kinds[index % 4], accounts[index % 3]));
        append(&world, &all[index]).await;
    }
    append(&world, &AuthEvent { org: world.umbrella.id, ..event(&world, kinds[0], accounts[0]) }).await;
    let moment = |index: usize| Some(all[index].at);
    let near = |at: Timestamp, micros: i64| Some(Timestamp::from_micros(at.as_micros() + micros));
    let spans = [
        (None, None),
        (moment(5), None),
        (None, moment(20)),
        (moment(5), moment(20)),
        (near(all[5].at, 1), near(all[20].at, 1)),
        (moment(23), None),
        (moment(20), moment(5)),
        (near(all[23].at, 1), None),
    ];
    for (since, until) in spans {
        for account in accounts {
            for kind in [None, Some(kinds[1]), Some(EventKind::Unlinked)] {
                let filter = EventFilter { account, kind, since, until };
                let expected: Vec<AuthEvent> =
                    all.iter().rev().filter(|event| filter.matches(event)).cloned().collect();
                assert_eq!(found(&world, filter.clone()).await, expected, "{filter:?}");
            }
        }
    }
}

/// Events go after their time, and not before.
pub async fn events_go_after_their_time(world: World) {
    let capabilities = world.stores.items.capabilities();
    // Servers that share a store go by the clock of the database.
    let now = if capabilities.shared { System.now() } else { world.now() };
    let aged = |days: i64| {
        let at = now.plus_seconds(-days * 86_400);
        let millis = u128::try_from(at.as_micros() / 1000).expect("after 1970");
        AuthEvent { id: Uuid::from_u128(millis << 80), at, ..event(&world, EventKind::SignIn, None) }
    };
    let (gone, kept, new) =
        (aged(AuthEvent::RETENTION_DAYS + 1), aged(AuthEvent::RETENTION_DAYS - 1), aged(0));
    for event in [&gone, &kept] {
        append(&world, event).await;
    }
    assert_eq!(found(&world, EventFilter::default()).await, [kept.clone(), gone]);
    append(&world, &new).await;
    // What is swept now and then is swept at a start.
    let world = if capabilities.durable { world.reopen().await.expect("it opens again") } else { world };
    eventually("the event that has had its time is gone", || async {
        Some(found(&world, EventFilter::default()).await).filter(|found| found.len() < 3)
    })
    .await;
    assert_eq!(found(&world, EventFilter::default()).await, [new, kept]);
}

/// Events outlive the account that they speak of.
pub async fn events_outlive_accounts(world: World) {
    let alice = world.acme.alice.account;
    let signed_in = event(&world, EventKind::SignIn, alice);
    append(&world, &signed_in).await;
    world.delete(&world.system(), alice.unwrap()).await.unwrap();
    let of_alice = EventFilter { account: alice, ..EventFilter::default() };
    assert_eq!(found(&world, of_alice).await, [signed_in]);
}
