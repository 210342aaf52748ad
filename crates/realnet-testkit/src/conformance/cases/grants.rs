//! Who may see and do what: owners, administrators, grants on items, types and instances, sharing.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::{Caller, Grant, Permission, Subject};
use realnet_core::change::Operation;
use realnet_core::model::{Item, Visibility};
use realnet_core::query::OrgScope;
use realnet_core::registry::TypeGrants;
use serde_json::json;

use crate::conformance::{Draft, Org, World, delete, eventually, expect_kind, grant, item, race};

const READ: &[Permission] = &[Permission::Read];

/// That `caller` sees exactly the papers of these names, in lists, by id and in counts.
async fn sees(world: &World, caller: &Arc<Caller>, names: &[&str]) {
    let find = world.find("Paper").by(caller).order("name").limit(2);
    find.gives(names).await;
    let snapshot = world.snapshot().await;
    for item in
        snapshot.items.values().filter(|item| item.type_name.ends_with("Paper") && item.org == caller.org)
    {
        let seen = names.contains(&item.name.as_str());
        assert_eq!(
            world.get(caller, item.id).await.is_some(),
            seen,
            "{} by id, {}",
            item.name,
            caller.username
        );
    }
}

/// What the suite's types grant: to the public, a group, all users, by instance, and to nobody.
pub async fn grants_on_types_and_instances(world: World) {
    let acme = world.acme.clone();
    let nobodys = |kind: &str| item(kind).owner(None).org(acme.id);
    let papers = vec![
        nobodys("OpenPaper").name("open"),
        nobodys("TeamPaper").name("team"),
        nobodys("UserPaper").name("user"),
        nobodys("PrivatePaper").name("private"),
        nobodys("PrivatePaper").instance("Board").name("board"),
        nobodys("PrivatePaper").instance("Staff").name("staff"),
        nobodys("OpenPaper").visibility(Visibility::Restricted).name("restricted"),
        item("OpenPaper").org(world.umbrella.id).name("elsewhere"),
    ];
    world.create_all(&world.system(), papers).await;
    sees(&world, &acme.admin, &["board", "open", "private", "restricted", "staff", "team", "user"]).await;
    sees(&world, &acme.alice, &["board", "open", "team", "user"]).await;
    sees(&world, &acme.bob, &["board", "open", "staff", "user"]).await;
    sees(&world, &acme.visitor, &["board", "open"]).await;
    sees(&world, &acme.anonymous, &["board", "open"]).await;
    sees(&world, &world.umbrella.alice, &["elsewhere"]).await;
}

/// Each kind of subject of a grant on an item.
pub async fn grants_on_items(world: World) {
    let acme = world.acme.clone();
    let shared =
        |name: &str, subject| item("PrivatePaper").owner(None).name(name).grants(vec![grant(subject, READ)]);
    let papers = vec![
        shared("public", Subject::Public),
        shared("org", Subject::Org(acme.id)),
        shared("team", Subject::Group(acme.team.id)),
        shared("staff", Subject::Role(acme.staff.id)),
        shared("visitor", Org::account(&acme.visitor)),
        shared("restricted", Org::account(&acme.visitor)).visibility(Visibility::Restricted),
        shared("other org", Subject::Org(world.umbrella.id)),
        item("PrivatePaper").owner(None).name("flag").public(),
        item("PrivatePaper")
            .owner(None)
            .name("message only")
            .grants(vec![grant(Subject::Org(acme.id), &[Permission::Message])]),
    ];
    world.create_all(&acme.admin, papers).await;
    sees(&world, &acme.alice, &["flag", "org", "public", "team"]).await;
    sees(&world, &acme.bob, &["flag", "org", "public", "staff"]).await;
    sees(&world, &acme.visitor, &["flag", "org", "public", "restricted", "visitor"]).await;
    sees(&world, &acme.anonymous, &["flag", "public"]).await;
    sees(&world, &world.umbrella.admin, &[]).await;
}

/// Nobody is led into another org by a grant on an item or by owning it, an administrator no more than others.
pub async fn grants_lead_into_no_other_org(world: World) {
    let (acme, umbrella) = (world.acme.clone(), world.umbrella.clone());
    let paper = |name: &str| item("PrivatePaper").org(acme.id).owner(None).name(name);
    let shared = |name: &str, subject| paper(name).grants(vec![grant(subject, READ)]);
    let papers = vec![
        shared("account", Org::account(&umbrella.bob)),
        shared("org", Subject::Org(umbrella.id)),
        shared("public", Subject::Public),
        shared("staff", Subject::Role(umbrella.staff.id)),
        shared("team", Subject::Group(umbrella.team.id)),
        paper("owned").owner(umbrella.bob.account),
    ];
    let made = world.create_all(&world.system(), papers).await;
    for caller in [&umbrella.admin, &umbrella.alice, &umbrella.bob, &umbrella.visitor] {
        for kind in ["PrivatePaper", "Paper"] {
            let find = world.find(kind).by(caller).scope(OrgScope::One(acme.id)).order("name");
            find.gives(&["public"]).await;
        }
        for item in &made {
            let seen = world.get(caller, item.id).await.is_some();
            assert_eq!(seen, item.name == "public", "{} by {}", item.name, caller.username);
        }
    }
}

/// Owners and administrators do everything, in their own org only; public items are readable from anywhere.
pub async fn owners_and_administrators(world: World) {
    let [acme, umbrella] = [world.acme.clone(), world.umbrella.clone()];
    let mine = world.create(&acme.alice, item("PrivatePaper").name("mine")).await;
    let open = world.create(&acme.alice, item("PrivatePaper").name("open").public()).await;
    for caller in [&acme.bob, &acme.visitor, &acme.anonymous, &umbrella.admin, &umbrella.alice] {
        assert_eq!(world.get(caller, mine.id).await, None, "{}", caller.username);
        expect_kind(world.set(caller, mine.id, json!({"rank": 1})).await, ErrorKind::NotFound);
        expect_kind(world.delete(caller, mine.id).await, ErrorKind::NotFound);
        assert_eq!(world.get(caller, open.id).await.as_ref(), Some(&open), "{}", caller.username);
        expect_kind(world.set(caller, open.id, json!({"rank": 1})).await, ErrorKind::Forbidden);
        expect_kind(world.delete(caller, open.id).await, ErrorKind::Forbidden);
        expect_kind(world.share(caller, open.id, vec![]).await, ErrorKind::Forbidden);
    }
    world.set(&acme.admin, mine.id, json!({"rank": 1})).await.unwrap();
    world.delete(&acme.admin, mine.id).await.unwrap();
    world.delete(&world.system(), open.id).await.unwrap();
}

/// Each permission allows its own and nothing else.
pub async fn each_permission_allows_its_own(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let with = |permissions: &'static [Permission]| {
        item("PrivatePaper").name("shared").grants(vec![grant(Org::account(&bob), permissions)])
    };
    let read = world.create(&alice, with(&[Permission::Read])).await.id;
    let write = world.create(&alice, with(&[Permission::Read, Permission::Write])).await.id;
    let removal = world.create(&alice, with(&[Permission::Read, Permission::Delete])).await.id;
    let share = world.create(&alice, with(&[Permission::Read, Permission::Share])).await.id;
    for id in [read, write, removal, share] {
        let written = world.set(&bob, id, json!({"rank": 1})).await;
        assert_eq!(written.is_ok(), id == write, "{written:?}");
        let mut grants = world.item(id).await.grants;
        grants.push(grant(Org::account(&world.acme.visitor), READ));
        let shared = world.share(&bob, id, grants).await;
        assert_eq!(shared.is_ok(), id == share, "{shared:?}");
    }
    for id in [read, write, share] {
        expect_kind(world.delete(&bob, id).await, ErrorKind::Forbidden);
    }
    world.delete(&bob, removal).await.unwrap();
    // Who may write but not read does it blindly: the item is not found in lists.
    let blind = world.create(&alice, with(&[Permission::Write])).await.id;
    assert_eq!(world.get(&bob, blind).await, None);
    world.set(&bob, blind, json!({"rank": 2})).await.unwrap();
}

/// One grants only what one holds, and may always take away what one may share.
pub async fn one_shares_what_one_holds(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let to_bob = grant(Org::account(&bob), &[Permission::Read, Permission::Share]);
    let paper = world.create(&alice, item("PrivatePaper").grants(vec![to_bob.clone()])).await.id;
    let visitor = Org::account(&world.acme.visitor);
    for more in [Permission::Write, Permission::Delete, Permission::Execute] {
        let grants = vec![to_bob.clone(), grant(visitor.clone(), &[Permission::Read, more])];
        expect_kind(world.share(&bob, paper, grants).await, ErrorKind::Forbidden);
    }
    let shared = world.share(&bob, paper, vec![to_bob.clone(), grant(visitor.clone(), READ)]).await.unwrap();
    assert_eq!(shared.version, 2);
    assert!(world.get(&world.acme.visitor, paper).await.is_some());
    let revoked = world.share(&bob, paper, vec![to_bob.clone()]).await.unwrap();
    assert_eq!((revoked.version, revoked.grants), (3, vec![to_bob]));
    assert!(world.get(&world.acme.visitor, paper).await.is_none());
    world.find("Paper").by(&world.acme.visitor).gives(&[]).await;
    let write = vec![grant(Org::account(&bob), &[Permission::Read, Permission::Write])];
    world.share(&alice, paper, write).await.unwrap();
    let open = world.update(&bob, paper, |item| item.public = true).await;
    expect_kind(open, ErrorKind::Forbidden);
}

/// What decides whether type grants count is changed by who may share: the visibility, and an instance with access.
pub async fn what_opens_an_item_needs_share(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let write = |more: &[Permission]| {
        vec![grant(Org::account(&bob), &[&[Permission::Read, Permission::Write], more].concat())]
    };
    let closed = item("OpenPaper").visibility(Visibility::Restricted).grants(write(&[]));
    let closed = world.create(&alice, closed).await.id;
    let instance = item("PrivatePaper").grants(write(&[]));
    let private = world.create(&alice, instance).await.id;
    let open = |item: &mut Item| item.visibility = Visibility::Visible;
    let board = |item: &mut Item| item.instance = Some(Arc::from("Board"));
    expect_kind(world.update(&bob, closed, open).await, ErrorKind::Forbidden);
    expect_kind(world.update(&bob, private, board).await, ErrorKind::Forbidden);
    world.update(&bob, closed, |item| item.name = "still his to write".into()).await.unwrap();
    for id in [closed, private] {
        assert!(world.get(&world.acme.anonymous, id).await.is_none());
        world.share(&alice, id, write(&[Permission::Share])).await.unwrap();
    }
    world.update(&bob, closed, open).await.unwrap();
    world.update(&bob, private, board).await.unwrap();
    for id in [closed, private] {
        assert!(world.get(&world.acme.anonymous, id).await.is_some());
    }
}

/// Many grants on one item: one per subject, in any order of writing.
pub async fn grants_are_merged(world: World) {
    let alice = world.acme.alice.clone();
    let paper = world.create(&alice, item("PrivatePaper").name("shared")).await.id;
    let bob = Org::account(&world.acme.bob);
    let grants: Vec<Grant> =
        vec![grant(Subject::Public, &[]), grant(bob.clone(), READ), grant(bob.clone(), &[Permission::Write])];
    let shared = world.share(&alice, paper, grants).await.unwrap();
    assert_eq!(shared.grants, vec![grant(bob, &[Permission::Read, Permission::Write])]);
    let mut many: Vec<Grant> = (0..500).map(|_| grant(Subject::Account(world.next_id()), READ)).collect();
    many.push(grant(Subject::Group(world.acme.team.id), READ));
    many.sort_by(|left, right| left.subject.cmp(&right.subject));
    let shared = world.share(&alice, paper, many.clone()).await.unwrap();
    assert_eq!(shared.grants, many);
    assert_eq!(world.item(paper).await, shared);
    assert_eq!(world.find("Paper").all().await, vec![shared]);
}

/// Who may create what: by grant on the type, in the own org only.
pub async fn creating_needs_a_grant(world: World) {
    let acme = world.acme.clone();
    for caller in [&acme.admin, &acme.alice] {
        world.try_create(caller, item("Note")).await.unwrap();
    }
    expect_kind(world.try_create(&acme.visitor, item("Note")).await, ErrorKind::Forbidden);
    expect_kind(world.try_create(&acme.anonymous, item("Note")).await, ErrorKind::Unauthenticated);
    expect_kind(world.try_create(&acme.alice, item("Group")).await, ErrorKind::Forbidden);
    let abroad = |draft: Draft| draft.org(world.umbrella.id);
    expect_kind(world.try_create(&acme.alice, abroad(item("Note"))).await, ErrorKind::Forbidden);
    expect_kind(world.try_create(&acme.admin, abroad(item("Note"))).await, ErrorKind::Forbidden);
    assert_eq!(world.find("Note").all().await.len(), 2);
    world.find("Note").by(&world.umbrella.admin).gives(&[]).await;
}

/// Grants that an org sets on a type or instance hold there and then, for that org only, until taken back.
pub async fn an_org_sets_grants_on_types(world: World) {
    let [acme, umbrella] = [world.acme.clone(), world.umbrella.clone()];
    for org in [&acme, &umbrella] {
        world.create(&org.admin, item("PrivatePaper").name("private")).await;
        world.create(&org.admin, item("PrivatePaper").instance("Board").name("board")).await;
    }
    let private = world.type_id("PrivatePaper");
    let set = |instance: Option<&str>, grants: Vec<Grant>, remove| {
        let instance = instance.map(str::to_owned);
        vec![Operation::SetTypeGrants {
            grants: TypeGrants { org: acme.id, type_id: private, instance, grants },
            remove,
        }]
    };
    let team = vec![grant(Subject::Group(acme.team.id), READ)];
    for caller in [&acme.alice, &umbrella.admin] {
        expect_kind(world.change_types(caller, set(None, team.clone(), false)).await, ErrorKind::Forbidden);
    }
    let before = world.load().await.revision;
    world.change_types(&acme.admin, set(None, team.clone(), false)).await.unwrap();
    assert!(world.load().await.revision > before);
    sees(&world, &acme.alice, &["board", "private"]).await;
    sees(&world, &acme.bob, &["board"]).await;
    sees(&world, &umbrella.alice, &["board"]).await;
    world.change_types(&acme.admin, set(Some("Board"), vec![], false)).await.unwrap();
    sees(&world, &acme.alice, &["private"]).await;
    sees(&world, &acme.anonymous, &[]).await;
    sees(&world, &umbrella.anonymous, &["board"]).await;
    world.change_types(&acme.admin, set(None, vec![], true)).await.unwrap();
    world.change_types(&acme.admin, set(Some("Board"), vec![], true)).await.unwrap();
    sees(&world, &acme.alice, &["board"]).await;
}

/// Access is asked inside the commit: what a set gives up, its later operations do not have.
pub async fn a_commit_asks_again(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let all = [Permission::Read, Permission::Write, Permission::Delete, Permission::Share];
    let paper =
        world.create(&alice, item("PrivatePaper").grants(vec![grant(Org::account(&bob), &all)])).await;
    let give_up = Operation::SetGrants { id: paper.id, expected_version: None, grants: vec![] };
    let operations = vec![world.setting(paper.id, None, json!({"rank": 1})), give_up, delete(paper.id)];
    let error = expect_kind(world.commit(&bob, operations).await, ErrorKind::NotFound);
    assert_eq!(error.operation_index(), Some(2));
    assert_eq!(world.item(paper.id).await, paper);
    // Owner moved away in the same set.
    let other = bob.account;
    let hand_over = world.edit(paper.id, None, move |item| item.owner = other);
    let operations = vec![hand_over, world.setting(paper.id, None, json!({"rank": 1}))];
    let error = expect_kind(world.commit(&alice, operations).await, ErrorKind::NotFound);
    assert_eq!(error.operation_index(), Some(1));
    // A guard sees each item that would go.
    let child = world.create(&alice, item("Note").name("guarded").parent(paper.id)).await;
    let guarded = Operation::Delete {
        id: paper.id,
        expected_version: None,
        guard: Some(Arc::new(|item| match item.name.as_str() {
            "guarded" => Err(realnet_core::Error::forbidden("guarded")),
            _ => Ok(()),
        })),
    };
    expect_kind(world.commit(&alice, vec![guarded]).await, ErrorKind::Forbidden);
    assert_eq!(world.item(child.id).await, child);
}

/// Once a grant is taken back, no write that begins afterwards gets through.
pub async fn a_revoked_grant_is_gone_at_once(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let write = [Permission::Read, Permission::Write];
    let paper =
        world.create(&alice, item("PrivatePaper").grants(vec![grant(Org::account(&bob), &write)])).await.id;
    let results = race(6, |index| {
        let (world, alice, bob) = (world.clone(), alice.clone(), bob.clone());
        async move {
            if index == 0 {
                let revoke = Operation::SetGrants { id: paper, expected_version: None, grants: vec![] };
                world.persist(&alice, revoke).await.unwrap();
                return world.set(&bob, paper, json!({"rank": 99})).await.is_err();
            }
            let _ = world.persist(&bob, world.setting(paper, None, json!({"rank": index}))).await;
            true
        }
    })
    .await;
    assert!(results.into_iter().all(|fine| fine), "a write got through after the grant was gone");
    let versions = world.item(paper).await.version as usize;
    let records = eventually("the history holds every version", || async {
        let records = world.stores.items.history(&world.access(&alice), paper, None, 100).await.ok();
        records.filter(|records| records.len() == versions)
    })
    .await;
    let revoked =
        records.iter().find(|record| record.kind == realnet_core::change::ChangeKind::Grant).unwrap();
    let later = records.iter().filter(|record| record.version > revoked.version).count();
    assert_eq!(later, 0, "changes by bob after the grant was taken back");
}
