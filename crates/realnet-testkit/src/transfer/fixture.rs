//! Two stores, and what is put into the first of them.

use std::sync::Arc;

use futures::TryStreamExt as _;
use realnet_core::acl::{Origin, Permission, Subject};
use realnet_core::change::{
    ChangeSet, IdempotencyKey, Operation, Outcome, SourceKind, SourceRecord, StoredReply,
};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Location, Visibility};
use realnet_core::provider::{
    AuthEvent, AuthRecord, DumpProvider, EventKind, Expected, RecordKind, Session, StoreRecord,
};
use realnet_core::registry::TypeGrants;
use realnet_core::transfer::{Filling, Summary, Target, digest};
use realnet_core::{Result, Uuid};
use serde_json::json;

use crate::conformance::{Org, Stores, World, grant, item};

/// A store with something in it, and an empty one of the same kind.
pub struct Pair {
    /// The first one: types and people.
    pub world: World,
    /// The same, as one that can be moved.
    pub from: Arc<dyn Target>,
    /// The second one, empty.
    pub stores: Stores,
    /// The same, as one that can be filled.
    pub to: Arc<dyn Target>,
}

/// All records of a store.
pub(super) async fn records(store: &dyn Target, now: Timestamp) -> Vec<StoreRecord> {
    store.dump(now).await.unwrap().try_collect().await.unwrap()
}

/// What a store holds.
pub(super) async fn summary(store: &dyn Target, now: Timestamp) -> Summary {
    digest(store as &dyn DumpProvider, now, &mut |_| {}).await.unwrap()
}

impl Pair {
    /// Moves everything, and compares; answers the second store as a world.
    pub(super) async fn moved(&self) -> World {
        self.try_move(false).await.unwrap();
        self.world.moved_to(self.stores.clone()).await
    }

    /// The same, as it goes.
    pub(super) async fn try_move(&self, resume: bool) -> Result<()> {
        let mut filling = Filling::begin(&*self.to, self.world.now(), resume).await?;
        let records = self.from.dump(filling.now()).await?;
        let summary = filling.write(records, &mut |_| {}).await?;
        filling.compare(&summary, &mut |_| {}).await?;
        filling.finish().await
    }

    /// Puts something of every class into the first store.
    pub(super) async fn fill(&self) {
        let world = &self.world;
        crate::conformance::cases::sample::fill(world).await;
        history(world).await;
        shared(world).await;
        signed_in(world).await;
        applied(world).await;
    }
}

/// Items of every property that are changed, and one that goes.
async fn history(world: &World) {
    let alice = world.acme.alice.clone();
    let whole = item("Note")
        .name("whole \u{1F511} \u{0301}e\u{2028}<&>\"'\\")
        .attr("label", "a\tb\r\n\u{7f}\u{1}")
        .attr("rank", 1_i64 << 53)
        .attr("free", json!({"least": i64::MIN, "most": u64::MAX, "exact": 9_007_199_254_740_993_i64, "small": 5e-324,
            "large": 1.797_693_134_862_315_7e308, "third": 0.1, "list": [[], {}, null, "", [null]], "": "empty", "é ": 1}))
        .tags(&["b", "a", "é", "\"quoted\", and {braced}"])
        .status("open")
        .visibility(Visibility::Hidden)
        .location(Location::Point([16.37, -48.2]))
        .valid(Some(Timestamp::from_micros(1)), Some(world.now()))
        .public();
    let whole = world.create(&alice, whole).await;
    world.set(&alice, whole.id, json!({"label": "another", "rank": null})).await.unwrap();
    let gone = world.create(&alice, item("Note").name("gone").linked(whole.id).parent(whole.id)).await;
    world.delete(&alice, gone.id).await.unwrap();
    world.create(&world.umbrella.bob, item("Place").name("elsewhere").owner(None).at(1.0, 2.0)).await;
    world.create(&alice, item("Coded").attr("code", "unique").attr("number", 7)).await;
}

/// Grants on items, which are inherited, and on types.
async fn shared(world: &World) {
    let acme = &world.acme;
    let top = world.create(&acme.alice, item("Shelf").name("top")).await;
    let middle = world.create(&acme.alice, item("Tome").name("middle").parent(top.id)).await;
    world.create(&acme.alice, item("Tome").name("low").parent(middle.id)).await;
    let grants = vec![
        grant(Org::account(&acme.bob), &[Permission::Read, Permission::Write]),
        grant(Subject::Group(acme.team.id), &[Permission::Read]),
    ];
    world.share(&acme.alice, top.id, grants).await.unwrap();
    for instance in [None, Some("Board".to_owned())] {
        let grants = vec![grant(Subject::Role(acme.staff.id), &[Permission::Read])];
        let grants = TypeGrants { org: acme.id, type_id: world.type_id("PrivatePaper"), instance, grants };
        let operation = Operation::SetTypeGrants { grants, remove: false };
        world.change_types(&world.system(), vec![operation]).await.unwrap();
    }
    world.create(&acme.admin, item("PrivatePaper").name("paper").attr("rank", 3)).await;
}

/// Hashes, epochs, sessions, records, events and settings.
async fn signed_in(world: &World) {
    let credentials = &world.stores.credentials;
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    for hash in ["$2b$12$first", "$2b$12$second"] {
        let operation = Operation::SetPassword { account: alice, password_hash: hash.to_owned() };
        world.commit(&world.system(), vec![operation]).await.unwrap();
    }
    world.commit(&world.system(), vec![Operation::EndSessions(bob)]).await.unwrap();
    let epoch = credentials.credential(alice).await.unwrap().unwrap().epoch;
    let session = session(world, alice, epoch);
    credentials.open_session(session.clone()).await.unwrap();
    let now = world.now();
    credentials
        .rotate_session(session.id, &session.refresh_hash, &[9], now.plus_seconds(99), now)
        .await
        .unwrap();
    for (index, kind) in RecordKind::ALL.into_iter().enumerate() {
        let record = AuthRecord::new(kind, format!("key é {index}"), vec![0, 255, index as u8], world.now());
        let record = record.of(Some(alice), Some(world.acme.id));
        let ends = index.is_multiple_of(2);
        let record = if ends { record.until(world.now().plus_seconds(86_400)) } else { record };
        for _ in 0..=index {
            assert!(credentials.put_record(record.clone(), Expected::Any, world.now()).await.unwrap());
        }
    }
    for kind in [EventKind::SignIn, EventKind::SignInFailed] {
        let (id, at) = (world.next_id(), world.now());
        let origin = Origin::new("http").with_agent(Some("a \"client\"/1.0"));
        let detail = json!({"why": "é", "tries": 3});
        let event = AuthEvent { id, org: world.acme.id, account: None, kind, origin, detail, at };
        credentials.append_event(event).await.unwrap();
    }
    credentials.setting_or_insert("of the suite", vec![0, 1, 2, 255]).await.unwrap();
    credentials.setting_or_insert("another", Vec::new()).await.unwrap();
}

/// A session that lasts an hour.
pub(super) fn session(world: &World, account: Uuid, epoch: i64) -> Session {
    let now = world.now();
    Session {
        id: world.next_id(),
        account,
        epoch,
        refresh_hash: vec![1, 2, 3],
        previous_hash: None,
        created_at: now,
        expires_at: now.plus_seconds(3600),
        used_at: now,
        method: "password".to_owned(),
        factor: true,
        address: Some("192.0.2.1".to_owned()),
        agent: None,
    }
}

/// What was applied from documents, and a reply that is kept.
async fn applied(world: &World) {
    for (org, kind) in [(None, SourceKind::Type), (Some(world.acme.id), SourceKind::Item)] {
        let applied = json!({"name": "x", "list": [1, 2.5, null]});
        let record =
            SourceRecord { org, kind, object: world.next_id(), source: "a.json".to_owned(), applied };
        world.commit(&world.system(), vec![Operation::Source { record, remove: false }]).await.unwrap();
    }
    world.commit_set(&world.acme.alice, repeatable(world)).await.unwrap();
}

/// A creation whose reply is kept under the key of [`reply_key`].
fn repeatable(world: &World) -> ChangeSet {
    let alice = &world.acme.alice;
    let now = world.now();
    let mut changes = ChangeSet::new(vec![world.creation(alice, item("Note"))], now, Arc::from("repeatable"));
    changes.origin = Some(Arc::new(Origin::new("http").with_address("192.0.2.7".parse().ok())));
    let reply_of = move |_: &[Outcome]| StoredReply {
        body_hash: vec![0, 255],
        reply: b"reply".to_vec(),
        created_at: now,
    };
    changes.reply = Some((reply_key(world), Arc::new(reply_of)));
    changes
}

/// The key of the reply that is kept.
pub(super) fn reply_key(world: &World) -> IdempotencyKey {
    IdempotencyKey {
        account: world.acme.alice.account,
        scope: "POST /api/note".to_owned(),
        key: "a key \u{1F511}".to_owned(),
        not_before: Timestamp::from_micros(0),
    }
}
