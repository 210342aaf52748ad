//! Grants that items inherit of the items above them, where their type says so.

use std::sync::Arc;

use realnet_core::acl::{self, Caller, Grant, Permission, Reason, Subject};
use realnet_core::change::{ChangeFilter, ChangeKind, ChangeRecord, ChangeSet, Operation, Outcome, Version};
use realnet_core::limit::Memory;
use realnet_core::model::{Item, TypeDefinition, Visibility};
use realnet_core::registry::TypeRegistry;
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::conformance::{
    Draft, Org, Snapshot, World, delete, expect_kind, grant, item, next_registry, race,
};

const READ: &[Permission] = &[Permission::Read];

/// Shelves and tomes inherit; a crate does not.
fn shelf(name: &str) -> Draft {
    item("Shelf").name(name)
}

/// That `caller` finds exactly these among all that may stand on shelves: in lists and by id.
async fn finds(world: &World, caller: &Arc<Caller>, names: &[&str]) {
    world.find("Stored").by(caller).order("name").limit(2).gives(names).await;
    let stored = world.type_id("Stored");
    for item in world.snapshot().await.items.values().filter(|item| item.org == caller.org) {
        if world.registry.current().is_derived_from(item.type_id, stored) {
            let is_expected = names.contains(&item.name.as_str());
            assert_eq!(world.get(caller, item.id).await.is_some(), is_expected, "{} by id", item.name);
        }
    }
}

/// What every item inherits is what its parent passes on: whatever was written, and in which order.
pub(super) fn check(registry: &TypeRegistry, snapshot: &Snapshot) -> Result<(), String> {
    for item in snapshot.items.values() {
        let parent = item.parent_id.and_then(|id| snapshot.items.get(&id));
        let expected = parent.map(|parent| acl::inherited(registry, item, parent)).unwrap_or_default();
        if item.inherited != expected {
            return Err(format!("{} below {parent:?} inherits {:?}", item.name, item.inherited));
        }
    }
    Ok(())
}

async fn consistent(world: &World) {
    let checked = check(&world.registry.current(), &world.snapshot().await);
    assert_eq!(checked, Ok(()));
}

fn to_bob(world: &World, permissions: &[Permission]) -> Vec<Grant> {
    vec![grant(Org::account(&world.acme.bob), permissions)]
}

/// Grants pass down two levels, to what is there and to what comes; ownership and being public do not.
pub async fn grants_pass_down(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top").public()).await.id;
    let middle = world.create(&world.acme.admin, shelf("middle").parent(top).owner(None)).await.id;
    let old = item("Tome").name("old").parent(middle).owner(alice.account);
    let old = world.create(&world.acme.admin, old).await;
    finds(&world, &bob, &["top"]).await;
    finds(&world, &alice, &["old", "top"]).await;
    world.share(&alice, top, to_bob(&world, READ)).await.unwrap();
    let new = world.create(&alice, item("Tome").name("new").parent(top)).await.id;
    finds(&world, &bob, &["middle", "new", "old", "top"]).await;
    finds(&world, &world.acme.visitor, &["top"]).await;
    let stored = world.item(old.id).await;
    assert_eq!((stored.version, stored.updated_at), (2, old.updated_at));
    let registry = world.registry.current();
    match acl::explain(&registry, &bob, &stored, Permission::Read) {
        Some(Reason::InheritedGrant { grant, from }) => {
            assert_eq!((grant, from), (&to_bob(&world, READ)[0], top));
        }
        other => panic!("not by what stands above: {other:?}"),
    }
    // No other permission comes along, and nothing of it is the item's own.
    expect_kind(world.set(&bob, new, json!({"rank": 1})).await, ErrorKind::Forbidden);
    assert!(stored.grants.is_empty());
    consistent(&world).await;
    world.share(&alice, top, vec![]).await.unwrap();
    finds(&world, &bob, &["top"]).await;
    consistent(&world).await;
}

/// A type that does not inherit neither gets grants nor passes on those from above it; its own it does.
pub async fn what_does_not_inherit_is_an_end(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top")).await.id;
    let chest = world.create(&alice, item("Crate").name("crate").parent(top)).await.id;
    let below = world.create(&alice, item("Tome").name("tome").parent(chest)).await.id;
    world.create(&alice, item("Pamphlet").name("pamphlet").parent(top)).await;
    world.share(&alice, top, to_bob(&world, READ)).await.unwrap();
    finds(&world, &bob, &["top"]).await;
    world.share(&alice, chest, to_bob(&world, READ)).await.unwrap();
    finds(&world, &bob, &["crate", "tome", "top"]).await;
    assert_eq!(world.item(below).await.inherited[0].from, chest);
    consistent(&world).await;
}

/// An item takes what it inherits along to where it stands, with all below it; that is for who may share it.
pub async fn moved_items_inherit_where_they_stand(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let write = [Permission::Read, Permission::Write];
    let open = world.create(&alice, shelf("open").grants(to_bob(&world, &write))).await.id;
    let inner = world.create(&alice, shelf("inner").parent(open)).await.id;
    let closed = world.create(&alice, shelf("closed")).await.id;
    let carton = world.create(&alice, shelf("box").parent(closed)).await.id;
    world.create(&alice, item("Tome").name("tome").parent(carton)).await;
    finds(&world, &bob, &["inner", "open"]).await;
    let into = |parent: Option<Uuid>| move |item: &mut Item| item.parent_id = parent;
    world.update(&alice, carton, into(Some(inner))).await.unwrap();
    finds(&world, &bob, &["box", "inner", "open", "tome"]).await;
    consistent(&world).await;
    // Who writes may move it where the same is inherited, and nowhere else.
    world.update(&bob, carton, into(Some(open))).await.unwrap();
    expect_kind(world.update(&bob, carton, into(None)).await, ErrorKind::Forbidden);
    let own = world.create(&bob, shelf("his own").grants(vec![grant(Subject::Public, READ)])).await.id;
    expect_kind(world.update(&bob, carton, into(Some(own))).await, ErrorKind::Forbidden);
    world.update(&alice, carton, into(None)).await.unwrap();
    finds(&world, &bob, &["his own", "inner", "open"]).await;
    consistent(&world).await;
}

/// Who may write an item moves it below nothing by which others, or it itself, would come to decide for it.
pub async fn moving_lets_nobody_decide(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let write = [Permission::Read, Permission::Write];
    let into = |parent: Uuid| move |item: &mut Item| item.parent_id = Some(parent);
    // Neither inherits anything: it is the same in both places, until the other's owner shares it.
    let lent = world.create(&alice, item("Tome").name("lent").grants(to_bob(&world, &write))).await.id;
    let own = world.create(&bob, shelf("his own")).await.id;
    expect_kind(world.update(&bob, lent, into(own)).await, ErrorKind::Forbidden);
    // The same below what both can write.
    let open = world.create(&alice, shelf("open").grants(to_bob(&world, &write))).await.id;
    let tome = world.create(&alice, item("Tome").name("tome").parent(open)).await.id;
    let between = world.create(&bob, shelf("between").parent(open)).await.id;
    let deeper = world.create(&world.acme.admin, shelf("deeper").parent(between).owner(None)).await.id;
    for place in [between, deeper] {
        expect_kind(world.update(&bob, tome, into(place)).await, ErrorKind::Forbidden);
    }
    // What is one's own goes anywhere, and whoever decides for it puts it where it likes.
    let mine = world.create(&bob, item("Tome").name("mine").parent(open)).await.id;
    world.update(&bob, mine, into(between)).await.unwrap();
    world.update(&bob, mine, into(open)).await.unwrap();
    world.share(&bob, between, vec![grant(Org::account(&alice), &write)]).await.unwrap();
    world.update(&alice, tome, into(deeper)).await.unwrap();
    // Among folders of the same people it is enough to write.
    let plate = world.create(&alice, item("Tome").name("plate").parent(open)).await.id;
    let beside = world.create(&alice, shelf("beside").parent(open)).await.id;
    world.update(&bob, plate, into(beside)).await.unwrap();
    world.update(&bob, plate, into(open)).await.unwrap();
    // A crate inherits nothing, so it lends nobody anything wherever it stands.
    let chest = world.create(&alice, item("Crate").name("crate").grants(to_bob(&world, &write))).await.id;
    world.update(&bob, chest, into(own)).await.unwrap();
    consistent(&world).await;
}

/// Who may share by inheritance shares what it holds, and moves things where no more than that is given.
pub async fn one_shares_what_one_inherits(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let held = [Permission::Read, Permission::Write, Permission::Share];
    let top = world.create(&alice, shelf("top").grants(to_bob(&world, &held))).await.id;
    let tome = world.create(&alice, item("Tome").name("tome").parent(top)).await.id;
    let visitor = |permissions| vec![grant(Org::account(&world.acme.visitor), permissions)];
    let more = [Permission::Read, Permission::Delete];
    expect_kind(world.share(&bob, tome, visitor(&more)).await, ErrorKind::Forbidden);
    world.share(&bob, tome, visitor(READ)).await.unwrap();
    finds(&world, &world.acme.visitor, &["tome"]).await;
    let generous = world.create(&bob, shelf("generous").grants(visitor(&more))).await.id;
    let into = |parent: Uuid| move |item: &mut Item| item.parent_id = Some(parent);
    expect_kind(world.update(&bob, tome, into(generous)).await, ErrorKind::Forbidden);
    world.share(&bob, generous, visitor(READ)).await.unwrap();
    world.update(&bob, tome, into(generous)).await.unwrap();
    consistent(&world).await;
}

/// A restricted item shuts out what it would inherit, and so do those below it; what is granted on it passes on.
pub async fn restricted_items_inherit_nothing(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top").grants(to_bob(&world, READ))).await.id;
    let closed = shelf("closed").parent(top).visibility(Visibility::Restricted);
    let closed = world.create(&alice, closed).await.id;
    world.create(&alice, item("Tome").name("tome").parent(closed)).await;
    finds(&world, &bob, &["top"]).await;
    let show = |visibility| move |item: &mut Item| item.visibility = visibility;
    world.update(&alice, closed, show(Visibility::Visible)).await.unwrap();
    finds(&world, &bob, &["closed", "tome", "top"]).await;
    world.update(&alice, closed, show(Visibility::Restricted)).await.unwrap();
    finds(&world, &bob, &["top"]).await;
    world.share(&alice, closed, to_bob(&world, READ)).await.unwrap();
    assert!(world.get(&bob, closed).await.is_some());
    assert_eq!(world.find("Tome").by(&bob).all().await.len(), 1);
    consistent(&world).await;
}

/// One set: created, shared, moved, expected versions and all. What the set passes down does not count as somebody else's change.
pub async fn a_set_sees_what_it_has_passed_down(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top")).await;
    let tome = world.create(&alice, item("Tome").name("tome").parent(top.id)).await;
    let [inner, late] = [world.next_id(), world.next_id()];
    let share = |id, expected_version, grants| Operation::SetGrants { id, expected_version, grants };
    let operations = vec![
        share(top.id, Some(Version::from(1)), to_bob(&world, READ)),
        world.setting(tome.id, Some(1), json!({"rank": 3})),
        world.creation(&alice, shelf("inner").id(inner).parent(top.id)),
        world.edit(tome.id, None, move |item| item.parent_id = Some(inner)),
        world.creation(&alice, item("Tome").id(late).name("late").parent(inner)),
        share(inner, None, vec![grant(Subject::Public, READ)]),
    ];
    world.commit(&alice, operations).await.unwrap();
    finds(&world, &bob, &["inner", "late", "tome", "top"]).await;
    finds(&world, &world.acme.anonymous, &["inner", "late", "tome"]).await;
    consistent(&world).await;
    // What another set has passed down counts: nobody decides by what was there before.
    let stale = world.setting(late, Some(1), json!({"rank": 4}));
    expect_kind(world.commit(&alice, vec![stale]).await, ErrorKind::PreconditionFailed);
    // A set that fails leaves nothing.
    let before = world.item(tome.id).await;
    let operations = vec![share(top.id, None, vec![]), delete(Uuid::from_u128(1))];
    expect_kind(world.commit(&alice, operations).await, ErrorKind::NotFound);
    assert_eq!(world.item(tome.id).await, before);
    // Nor does a draft bring inherited grants, or an edit change them.
    let mut forged = world.build(&alice, item("Tome").name("forged"));
    forged.inherited = before.inherited.clone();
    let forged = world.one(&alice, Operation::Create(Box::new(forged))).await.unwrap();
    let forge = move |item: &mut Item| item.inherited.clone_from(&before.inherited);
    let edited = world.update(&alice, forged.id, forge).await;
    assert!(forged.inherited.is_empty() && edited.unwrap().inherited.is_empty());
    world.delete(&alice, inner).await.unwrap();
    finds(&world, &bob, &["top"]).await;
    consistent(&world).await;
}

/// Each item whose access has changed has a record, a small one however large the item; the others have none. All states can be
/// told from them.
pub async fn what_is_passed_down_is_logged(world: World) {
    let alice = world.acme.alice.clone();
    let top = world.create(&alice, shelf("top")).await.id;
    let large = item("Tome").name("tome").parent(top).attr("held", "x".repeat(50_000));
    let tome = world.create(&alice, large).await.id;
    world.create(&alice, item("Pamphlet").name("pamphlet").parent(top)).await;
    world.share(&alice, top, to_bob(&world, READ)).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 5).await;
    let last = log.last().unwrap();
    assert_eq!((last.item_id, last.kind, last.version), (tome, ChangeKind::Grant, 2));
    assert_eq!((last.touched(), last.names().map(|names| names.0)), (vec!["access"], Some("tome")));
    assert!(last.size() < 1000 && last.before.is_none() && last.after.is_none(), "{} bytes", last.size());
    let passed = last.passed_down.as_ref().unwrap();
    let inherited = world.item(tome).await.inherited;
    assert_eq!((passed.before.as_slice(), &passed.after), (&[][..], &inherited));
    let access = world.access(&alice);
    let history = world.stores.items.history(&access, tome, None, 100).await.unwrap();
    assert_eq!(history.first(), Some(last));
    let span = last.revision..last.revision + 1;
    let items = &world.stores.items;
    let within = items.changes_within(world.acme.id, span, &ChangeFilter::default(), 9).await.unwrap();
    assert_eq!(within.first(), Some(last));
    // The same once more changes nothing below.
    let twice = [to_bob(&world, READ), vec![grant(Subject::Public, &[])]].concat();
    world.share(&alice, top, twice).await.unwrap();
    world.log(world.acme.id, World::SETTLED + 5).await;
}

/// However often it changes: whoever reads the log finds the other states not far from each change.
pub async fn what_is_passed_down_is_whole_now_and_then(world: World) {
    let alice = world.acme.alice.clone();
    let top = world.create(&alice, shelf("top")).await.id;
    let tome = world.create(&alice, item("Tome").name("tome").parent(top)).await.id;
    for round in 0..ChangeRecord::WHOLE + 2 {
        let grants = if round % 2 == 0 { to_bob(&world, READ) } else { vec![] };
        world.share(&alice, top, grants).await.unwrap();
        if round == 5 {
            world.update(&alice, tome, |item| "renamed".clone_into(&mut item.name)).await.unwrap();
        }
    }
    let count = World::SETTLED + 2 + 2 * (ChangeRecord::WHOLE as usize + 2) + 1;
    let mut log = world.log(world.acme.id, count).await;
    let of_tome = log.iter_mut().filter(|record| record.item_id == tome);
    let (mut present, mut whole) = (None, Vec::new());
    for record in of_tome {
        match (&record.passed_down, &present) {
            (Some(_), Some(present)) => record.complete(present),
            _ => whole.push(record.version),
        }
        assert_eq!(record.before, present, "version {} does not continue", record.version);
        present.clone_from(&record.after);
    }
    assert_eq!(present, Some(world.item(tome).await));
    assert_eq!(whole, [1, 8, ChangeRecord::WHOLE]);
}

/// More than a set may pass down is refused, with what to do, and nothing of it is done.
pub async fn passing_down_has_a_limit(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top")).await.id;
    let inner = world.create(&alice, shelf("inner").parent(top)).await.id;
    let tomes = (0..5).map(|index| item("Tome").name(format!("tome {index}")).parent(inner));
    world.create_all(&alice, tomes.collect()).await;
    let share = |most| {
        let operation =
            Operation::SetGrants { id: top, expected_version: None, grants: to_bob(&world, READ) };
        let changes = ChangeSet::new(vec![operation], world.now(), Arc::from("suite"));
        world.commit_set(&alice, ChangeSet { max_inherited: most, ..changes })
    };
    let refused = expect_kind(share(5).await, ErrorKind::TooLarge);
    assert!(refused.message().contains("more than 5 items"), "{refused}");
    finds(&world, &bob, &[]).await;
    consistent(&world).await;
    share(6).await.unwrap();
    assert_eq!(world.find("Tome").by(&bob).all().await.len(), 5);
    // So is what one item would inherit.
    let many = (0..900).map(|_| grant(Subject::Account(world.next_id()), READ)).collect::<Vec<_>>();
    world.share(&alice, top, many.clone()).await.unwrap();
    let others = (0..900).map(|_| grant(Subject::Account(world.next_id()), READ)).collect();
    expect_kind(world.share(&alice, inner, others).await, ErrorKind::TooLarge);
    world.share(&alice, inner, many).await.unwrap();
    consistent(&world).await;
}

/// What one item inherits is bounded where somebody is given more, and neither where less is given nor where the system changes its
/// own types, without which a server would not start.
pub async fn more_than_a_bound_is_inherited_where_nothing_is_given(world: World) {
    let alice = world.acme.alice.clone();
    let people = |count: usize| -> Vec<Grant> {
        (0..count).map(|_| grant(Subject::Account(world.next_id()), READ)).collect()
    };
    let outer = world.create(&alice, shelf("outer").grants(people(600))).await.id;
    let middle =
        world.create(&alice, item("Crate").name("middle").parent(outer).grants(people(600))).await.id;
    let tome = world.create(&alice, item("Tome").name("tome").parent(middle)).await.id;
    let refused = expect_kind(turn(&world, ChangeSet::MAX_INHERITED).await, ErrorKind::TooLarge);
    assert!(
        refused.message().contains(&format!("the Tome {tome} would inherit more than 1000")),
        "{refused}"
    );
    consistent(&world).await;
    turn(&world, usize::MAX).await.unwrap();
    assert_eq!(world.item(tome).await.inherited.len(), 1200);
    consistent(&world).await;
    // From here on less is always possible, and more is not.
    let share = |id, grants| Operation::SetGrants { id, expected_version: None, grants };
    let mut present = world.item(outer).await.grants;
    let others = [present.clone(), people(1)].concat();
    expect_kind(world.commit(&alice, vec![share(outer, others)]).await, ErrorKind::TooLarge);
    expect_kind(world.try_create(&alice, item("Tome").parent(middle)).await, ErrorKind::TooLarge);
    present.pop();
    narrowing(&world, share(outer, present)).await.unwrap();
    assert_eq!(world.item(tome).await.inherited.len(), 1199);
    let into = |parent: Option<Uuid>| move |item: &mut Item| item.parent_id = parent;
    narrowing(&world, world.edit(middle, None, into(None))).await.unwrap();
    assert_eq!(world.item(tome).await.inherited.len(), 600);
    consistent(&world).await;

    // A grant may hide two of those further up: without it there is one more of them.
    let both = [Permission::Read, Permission::Write];
    let writes = vec![grant(Org::account(&world.acme.bob), &[Permission::Write])];
    let upper = world.create(&alice, shelf("upper").grants(writes)).await.id;
    let lower = world.create(&alice, shelf("lower").parent(upper).grants(to_bob(&world, READ))).await.id;
    let many = people(999);
    let full = [to_bob(&world, &both), many.clone()].concat();
    let full = world.create(&alice, shelf("full").parent(lower).grants(full)).await.id;
    let tome = world.create(&alice, item("Tome").name("low").parent(full)).await.id;
    assert_eq!(world.item(tome).await.inherited.len(), 1000);
    narrowing(&world, share(full, many)).await.unwrap();
    assert_eq!(world.item(tome).await.inherited.len(), 1001);
    consistent(&world).await;
}

/// Has the crates inherit, by a set that may give as many items more.
async fn turn(world: &World, most: usize) -> realnet_core::Result<()> {
    let operations = vec![saying(world, "Crate", true)];
    let next = next_registry(&world.registry.current(), &world.load().await, &operations)?;
    let mut changes = ChangeSet::new(operations, world.now(), Arc::from("suite"));
    changes.next_registry = Some(Arc::new(next));
    changes.max_inherited = most;
    world.stores.items.commit(&world.access(&world.system()), changes).await?;
    world.load_types().await;
    Ok(())
}

/// A set of one operation that may give nobody anything, and must do with 24 MiB of memory.
async fn narrowing(world: &World, operation: Operation) -> realnet_core::Result<Outcome> {
    let memory = Memory::new(24 << 20);
    let changes = ChangeSet::new(vec![operation], world.now(), Arc::from("suite"));
    let changes = ChangeSet { max_inherited: 0, ..changes }.with_room(Some(Arc::new(memory.room(false))));
    world.commit_set(&world.acme.alice.clone(), changes).await.map(|mut outcomes| outcomes.remove(0))
}

/// Twenty shelves with thirty tomes each, and one with more than are read at a time; some tomes lie below others.
async fn fill_shelves(world: &World, top: Uuid) -> usize {
    let alice = world.acme.alice.clone();
    let shelves = (0..20).map(|_| shelf("inner").parent(top)).collect();
    let shelves = world.create_all(&alice, shelves).await;
    let tomes = |parent: Uuid, count: usize| {
        let (world, alice) = (world.clone(), alice.clone());
        async move {
            let tomes = (0..count).map(|_| item("Tome").name("tome").parent(parent)).collect();
            world.create_all(&alice, tomes).await
        }
    };
    for shelf in &shelves {
        tomes(shelf.id, 30).await;
    }
    tomes(shelves[7].id, 1100).await;
    let below = tomes(shelves[3].id, 2).await;
    tomes(below[1].id, 3).await;
    20 + 600 + 1100 + 5
}

/// What only takes away is carried out however much stands below; what gives somebody more is bounded.
pub async fn taking_away_has_no_limit(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let write = [Permission::Read, Permission::Write];
    let top = world.create(&alice, shelf("top")).await.id;
    let (aside, count) = (world.create(&alice, shelf("aside")).await.id, fill_shelves(&world, top).await);
    let share = |grants| Operation::SetGrants { id: top, expected_version: None, grants };
    let seen = || async { world.find("Stored").by(&bob).limit(1000).all().await.len() };
    world.share(&alice, top, to_bob(&world, &write)).await.unwrap();
    assert_eq!(seen().await, count + 1);
    consistent(&world).await;
    // Less, for another one as well, and from somewhere else: each is less for everybody, or refused.
    narrowing(&world, share(to_bob(&world, READ))).await.unwrap();
    let refused = expect_kind(narrowing(&world, share(to_bob(&world, &write))).await, ErrorKind::TooLarge);
    assert!(refused.message().contains("group or role"), "{refused}");
    let visitor = grant(Org::account(&world.acme.visitor), READ);
    expect_kind(narrowing(&world, share(vec![visitor])).await, ErrorKind::TooLarge);
    assert_eq!(seen().await, count + 1, "what is refused changes nothing");
    consistent(&world).await;
    narrowing(&world, share(vec![])).await.unwrap();
    assert_eq!(seen().await, 0);
    consistent(&world).await;

    world.share(&alice, top, to_bob(&world, READ)).await.unwrap();
    let carton = world.create(&alice, shelf("carton").grants(to_bob(&world, READ))).await.id;
    world.share(&alice, top, vec![]).await.unwrap();
    let into = |parent: Option<Uuid>| move |item: &mut Item| item.parent_id = parent;
    world.update(&alice, top, into(Some(carton))).await.unwrap();
    assert_eq!(seen().await, count + 2);
    narrowing(&world, world.edit(top, None, into(Some(aside)))).await.unwrap();
    assert_eq!(seen().await, 1, "moved away");
    world.update(&alice, top, into(Some(carton))).await.unwrap();
    let closed = |item: &mut Item| item.visibility = Visibility::Restricted;
    narrowing(&world, world.edit(top, None, closed)).await.unwrap();
    assert_eq!(seen().await, 1, "closed");
    consistent(&world).await;
    assert_eq!(narrowing(&world, delete(carton)).await.unwrap(), Outcome::Deleted(count + 2));
    assert_eq!(world.find("Stored").all().await.len(), 1);
}

/// Nor does it matter how large the items are: a folder can not be filled until it can be closed no more.
pub async fn taking_away_from_large_items_is_done_in_parts(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let top = world.create(&alice, shelf("top").grants(to_bob(&world, READ))).await.id;
    // Below the top, where no words are looked for.
    let text = "x".repeat(Item::MAX_ATTRIBUTES - 100);
    for _ in 0..20 {
        world.create(&alice, item("Tome").name("tome").parent(top).attr("held", json!({"text": text}))).await;
    }
    let tomes = world.find("Tome").by(&bob).limit(1);
    assert_eq!(tomes.clone().page().await.items.len(), 1);
    let revoke = Operation::SetGrants { id: top, expected_version: None, grants: vec![] };
    narrowing(&world, revoke).await.unwrap();
    assert_eq!(tomes.page().await.items.len(), 0);
    let page = world.find("Tome").limit(1).page().await;
    assert_eq!((page.items[0].version, page.items[0].attributes.size() > text.len()), (2, true));
    assert_eq!(narrowing(&world, delete(top)).await.unwrap(), Outcome::Deleted(21));
    assert_eq!(world.find("Tome").all().await.len(), 0);
}

/// The definition of a type with the flag set, or not.
fn saying(world: &World, name: &str, inherits: bool) -> Operation {
    let registry = world.registry.current();
    let mut definition = TypeDefinition::clone(registry.find(world.acme.id, name).unwrap().definition());
    definition.attributes.insert("inherits_access".to_owned(), inherits.into());
    definition.version += 1;
    Operation::PutType(Box::new(definition))
}

/// A type that begins to inherit takes its items along, whatever stands above and below them; so does one that ceases.
pub async fn a_type_begins_and_ceases_to_inherit(world: World) {
    let [alice, bob, system] = [world.acme.alice.clone(), world.acme.bob.clone(), world.system()];
    let top = world.create(&alice, shelf("top").grants(to_bob(&world, READ))).await.id;
    let outer = world.create(&alice, item("Crate").name("outer").parent(top)).await.id;
    let inner = world.create(&alice, item("Crate").name("inner").parent(outer)).await.id;
    world.create(&alice, item("Tome").name("tome").parent(inner)).await;
    world.create(&alice, item("Crate").name("apart")).await;
    world.create(&world.umbrella.alice, item("Crate").name("abroad")).await;
    finds(&world, &bob, &["top"]).await;
    world.change_types(&system, vec![saying(&world, "Crate", true)]).await.unwrap();
    finds(&world, &bob, &["inner", "outer", "tome", "top"]).await;
    consistent(&world).await;
    world.change_types(&system, vec![saying(&world, "Crate", false)]).await.unwrap();
    finds(&world, &bob, &["top"]).await;
    consistent(&world).await;
    // More than a set may pass down: neither types nor items change.
    let refused = expect_kind(turn(&world, 2).await, ErrorKind::TooLarge);
    assert!(refused.message().contains("share parts of the tree"), "{refused}");
    world.load_types().await;
    finds(&world, &bob, &["top"]).await;
    consistent(&world).await;
}

/// A type with many items turns in parts: those that stand below others of it, too, and what they have passed on.
pub async fn a_type_with_many_items_turns(world: World) {
    let [alice, bob, system] = [world.acme.alice.clone(), world.acme.bob.clone(), world.system()];
    let top = world.create(&alice, shelf("top").grants(to_bob(&world, READ))).await.id;
    let crates =
        |parent: Uuid, count: usize| (0..count).map(move |_| item("Crate").name("crate").parent(parent));
    let outer = world.create_all(&alice, crates(top, 600).collect()).await;
    let inner =
        world.create_all(&alice, outer.iter().take(300).flat_map(|one| crates(one.id, 2)).collect()).await;
    let tomes = inner.iter().take(10).map(|one| item("Tome").name("tome").parent(one.id)).collect();
    world.create_all(&alice, tomes).await;
    let seen = || async {
        let crates = world.find("Crate").by(&bob).limit(1000).all().await.len();
        (crates, world.find("Tome").by(&bob).all().await.len())
    };
    for (inherits, expected) in [(true, (1200, 10)), (false, (0, 0))] {
        world.change_types(&system, vec![saying(&world, "Crate", inherits)]).await.unwrap();
        assert_eq!(seen().await, expected);
        consistent(&world).await;
    }
    let versions = world.snapshot().await;
    let of_crates =
        versions.items.values().filter(|item| &*item.type_name == "Crate").map(|item| item.version);
    assert_eq!(of_crates.max(), Some(3), "each has turned once there and once back");
}

/// Whatever comes at the same moment: nothing is left with what was taken back, or without what was given.
pub async fn what_comes_at_the_same_moment_is_not_missed(world: World) {
    let alice = world.acme.alice.clone();
    for round in 0..6 {
        let top = world.create(&alice, shelf("top").grants(to_bob(&world, READ))).await.id;
        let inner = world.create(&alice, shelf("inner").parent(top)).await.id;
        let aside = world.create(&alice, shelf("aside")).await.id;
        let moving = world.create(&alice, shelf("moving").parent(aside)).await.id;
        world.create(&alice, item("Tome").name("tome").parent(moving)).await;
        let revokes = round % 2 == 0;
        race(6, |index| {
            let (world, alice) = (world.clone(), alice.clone());
            async move {
                let visitor = vec![grant(Org::account(&world.acme.visitor), READ)];
                let operation = match index {
                    0 if revokes => Operation::SetGrants { id: top, expected_version: None, grants: vec![] },
                    0 => Operation::SetGrants { id: top, expected_version: None, grants: visitor },
                    1 => world.edit(moving, None, move |item| item.parent_id = Some(inner)),
                    2 => Operation::SetGrants { id: inner, expected_version: None, grants: visitor },
                    _ => {
                        let place = if index == 3 { top } else { inner };
                        world.creation(&alice, item("Tome").name("late").parent(place))
                    }
                };
                world.persist(&alice, operation).await.unwrap();
            }
        })
        .await;
        consistent(&world).await;
    }
}
