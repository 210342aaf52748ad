//! Hidden and restricted items, validity, tags and status in lists.

use realnet_core::acl::Permission;
use realnet_core::clock::Timestamp;
use realnet_core::model::Visibility;

use crate::conformance::{Org, World, grant, item};

/// Hidden items are left out of lists unless asked for; by id they are there.
pub async fn hidden_items_are_asked_for(world: World) {
    let alice = world.acme.alice.clone();
    let hidden = world.create(&alice, item("Note").name("hidden").visibility(Visibility::Hidden)).await;
    world.create(&alice, item("Note").name("visible")).await;
    world.create(&alice, item("Note").name("restricted").visibility(Visibility::Restricted)).await;
    let find = || world.find("Note").by(&alice);
    find().gives(&["visible", "restricted"]).await;
    find().with("visibility", "hidden").gives(&["hidden"]).await;
    find().with("visibility", "in.(hidden,visible)").gives(&["hidden", "visible"]).await;
    find().with("visibility", "neq.hidden").gives(&["visible", "restricted"]).await;
    assert_eq!(world.get(&alice, hidden.id).await, Some(hidden.clone()));
    world.find("Note").by(&world.acme.bob).with("visibility", "hidden").gives(&[]).await;
    world.update(&alice, hidden.id, |item| item.visibility = Visibility::Visible).await.unwrap();
    find().gives(&["hidden", "visible", "restricted"]).await;
}

/// For restricted items grants on the type do not count; those on the item do.
pub async fn restricted_items_ignore_the_type(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let paper = world.create(&alice, item("UserPaper").name("paper")).await.id;
    let find = || world.find("UserPaper").by(&bob);
    find().gives(&["paper"]).await;
    world.update(&alice, paper, |item| item.visibility = Visibility::Restricted).await.unwrap();
    find().gives(&[]).await;
    assert_eq!(world.get(&bob, paper).await, None);
    world.share(&alice, paper, vec![grant(Org::account(&bob), &[Permission::Read])]).await.unwrap();
    find().gives(&["paper"]).await;
    world.find("UserPaper").by(&world.acme.admin).gives(&["paper"]).await;
}

/// `valid_at` is true from `valid_from` on and before `valid_to`, open where absent.
pub async fn validity_is_a_half_open_span(world: World) {
    let alice = world.acme.alice.clone();
    let moment = |micros: i64| Some(Timestamp::from_micros(micros));
    let notes = [
        ("always", None, None),
        ("from", moment(10_000_000), None),
        ("to", None, moment(20_000_000)),
        ("span", moment(10_000_000), moment(20_000_000)),
        ("instant", moment(10_000_000), moment(10_000_001)),
    ];
    let drafts = notes.into_iter().map(|(name, from, to)| item("Note").name(name).valid(from, to)).collect();
    world.create_all(&alice, drafts).await;
    let at = |micros: i64| world.find("Note").with("valid_at", Timestamp::from_micros(micros));
    at(9_999_999).gives(&["always", "to"]).await;
    at(10_000_000).gives(&["always", "from", "to", "span", "instant"]).await;
    at(10_000_001).gives(&["always", "from", "to", "span"]).await;
    at(20_000_000).gives(&["always", "from"]).await;
    world.find("Note").with("valid_from", "is.null").gives(&["always", "to"]).await;
    world.find("Note").with("valid_to", "lt.1970-01-01T00:00:15Z").gives(&["instant"]).await;
    world.find("Note").order("valid_to.desc,name").check().await;
}

/// `tags` asks for all of them.
pub async fn tags_are_all_asked_for(world: World) {
    let alice = world.acme.alice.clone();
    let notes = [("none", &[][..]), ("x", &["x"]), ("xy", &["x", "y"]), ("odd", &["x y", "%", "ä", "X"])];
    let drafts = notes.into_iter().map(|(name, tags)| item("Note").name(name).tags(tags)).collect();
    world.create_all(&alice, drafts).await;
    let tagged = |tags: &str| world.find("Note").with("tags", tags);
    tagged("x").gives(&["x", "xy"]).await;
    tagged("y,x").gives(&["xy"]).await;
    tagged("X").gives(&["odd"]).await;
    tagged("ä").gives(&["odd"]).await;
    tagged("%").gives(&["odd"]).await;
    tagged("z").gives(&[]).await;
    let odd = world.find("Note").with("name", "odd").all().await.remove(0);
    world.update(&alice, odd.id, |item| item.tags = vec!["x".to_owned()]).await.unwrap();
    tagged("x").gives(&["x", "xy", "odd"]).await;
    tagged("%").gives(&[]).await;
}

/// Status, public, owner and links are filters like any other.
pub async fn properties_are_filters(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let first = world.create(&alice, item("Note").name("first").status("open")).await;
    world.create(&bob, item("Note").name("second").status("closed").public()).await;
    world.create(&alice, item("Note").name("third").linked(first.id).owner(None)).await;
    let find = |name: &str, value: String| world.find("Note").with(name, value);
    find("status", "open".into()).gives(&["first"]).await;
    find("status", "neq.open".into()).gives(&["second", "third"]).await;
    find("status", "is.null".into()).gives(&["third"]).await;
    find("public", "true".into()).gives(&["second"]).await;
    find("owner", alice.account.unwrap().to_string()).gives(&["first"]).await;
    find("owner", "is.null".into()).gives(&["third"]).await;
    find("linked_item_id", first.id.to_string()).gives(&["third"]).await;
    find("id", format!("in.({},{})", first.id, world.next_id())).gives(&["first"]).await;
    find("version", "gt.1".into()).gives(&[]).await;
    find("created_at", format!("gt.{}", first.created_at)).gives(&["second", "third"]).await;
    find("updated_at", format!("lte.{}", first.updated_at)).gives(&["first"]).await;
    find("name", "gte.second".into()).gives(&["second", "third"]).await;
}
