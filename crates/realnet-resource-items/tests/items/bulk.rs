//! Patching and deleting by filter.

use realnet_core::ErrorKind;
use realnet_core::resource::Operation;
use serde_json::json;

use crate::world::{World, json_of, kind, parameters_of};

fn patch(parameters: &[(&str, &str)], patch: serde_json::Value) -> Operation {
    Operation::PatchMany { parameters: parameters_of(parameters), patch }
}

fn delete(parameters: &[(&str, &str)]) -> Operation {
    Operation::DeleteMany { parameters: parameters_of(parameters) }
}

#[tokio::test]
async fn a_filter_is_required_and_nothing_is_ignored() {
    let world = World::new().await;
    world.create(&world.ann, "note", json!({"name": "1"})).await.unwrap();
    for parameters in [
        &[][..],
        &[("types", "Note")],
        &[("name", "1"), ("limit", "1")],
        &[("name", "1"), ("order", "name")],
        &[("name", "1"), ("offset", "1")],
    ] {
        let refused = world.call(&world.ann, "note", delete(parameters)).await;
        assert_eq!(kind(refused), ErrorKind::Malformed, "{parameters:?}");
        let refused = world.call(&world.ann, "note", patch(parameters, json!({"a": 1}))).await;
        assert_eq!(kind(refused), ErrorKind::Malformed, "{parameters:?}");
    }
    assert_eq!(world.list(&world.ann, "note", &[]).await.unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn all_that_match_change() {
    let world = World::new().await;
    for name in ["a", "a", "b"] {
        world.create(&world.ann, "note", json!({"name": name})).await.unwrap();
    }
    let done = world.call(&world.ann, "note", patch(&[("name", "a")], json!({"seen": true}))).await.unwrap();
    assert_eq!(json_of(&done), 2);
    let seen = world.list(&world.ann, "note", &[("seen", "eq.true")]).await.unwrap();
    assert_eq!(seen.as_array().unwrap().len(), 2);
    let none = world.call(&world.ann, "note", delete(&[("name", "z")])).await.unwrap();
    assert_eq!(json_of(&none), 0);
}

#[tokio::test]
async fn one_that_may_not_be_changed_stops_all() {
    let world = World::new().await;
    world.create(&world.ann, "note", json!({"name": "a"})).await.unwrap();
    world.create(&world.bob, "note", json!({"name": "a", "public": true})).await.unwrap();
    let refused = world.call(&world.ann, "note", delete(&[("name", "a")])).await;
    assert_eq!(kind(refused), ErrorKind::Forbidden);
    assert_eq!(world.list(&world.ann, "note", &[]).await.unwrap().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn matches_within_matches_are_deleted_once() {
    let world = World::new().await;
    let top = world.create(&world.ann, "folder", json!({"name": "x"})).await.unwrap();
    let other = world.create(&world.ann, "folder", json!({"name": "y", "parent_id": top.id})).await.unwrap();
    world.create(&world.ann, "folder", json!({"name": "x", "parent_id": other.id})).await.unwrap();
    world.create(&world.ann, "folder", json!({"name": "x", "parent_id": top.id})).await.unwrap();
    let done = world.call(&world.ann, "folder", delete(&[("name", "x")])).await.unwrap();
    assert_eq!(json_of(&done), 4);
    assert_eq!(world.list(&world.ann, "folder", &[]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_dry_run_refuses_what_would_be_refused_and_changes_nothing() {
    let world = World::new().await;
    let top = world.create(&world.ann, "folder", json!({"name": "x"})).await.unwrap();
    for name in ["x", "y"] {
        world.create(&world.ann, "note", json!({"name": name, "parent_id": top.id})).await.unwrap();
    }
    world.create(&world.bob, "note", json!({"name": "x", "public": true})).await.unwrap();
    let list = || async { world.list(&world.admin, "items", &[("order", "id")]).await.unwrap() };
    let before = list().await;
    let dry = |name| [("name", name), ("dry_run", "true")];
    let tried = world.call(&world.ann, "note", patch(&dry("y"), json!({"text": "t"}))).await.unwrap();
    assert_eq!(json_of(&tried), 1);
    let tried = world.call(&world.ann, "folder", delete(&dry("x"))).await.unwrap();
    assert_eq!(json_of(&tried), 3, "with what stands below");
    let none = world.call(&world.ann, "note", delete(&dry("z"))).await.unwrap();
    assert_eq!(json_of(&none), 0);
    for (parameters, body) in [
        (&dry("y"), json!({"name": 5})),
        (&dry("x"), json!({"text": "not Bob's"})),
        (&dry("y"), json!({"parent_id": "019a0000-0000-7000-8000-000000000000"})),
        (&[("name", "y"), ("dry_run", "perhaps")], json!({"text": "t"})),
        (&[("dry_run", "true"), ("limit", "1")], json!({"text": "t"})),
    ] {
        let tried = world.call(&world.ann, "note", patch(parameters, body.clone())).await.unwrap_err();
        let real = [
            parameters[0],
            if tried.kind() == ErrorKind::Malformed { parameters[1] } else { ("dry_run", "false") },
        ];
        let refused = world.call(&world.ann, "note", patch(&real, body)).await.unwrap_err();
        assert_eq!((tried.kind(), tried.message()), (refused.kind(), refused.message()));
        assert_eq!(tried.violations(), refused.violations());
    }
    assert_eq!(kind(world.call(&world.ann, "note", delete(&dry("x"))).await), ErrorKind::Forbidden);
    for both in [["false", "true"], ["true", "false"], ["true", "true"]] {
        let parameters = [("name", "y"), ("dry_run", both[0]), ("dry_run", both[1])];
        let error = world.call(&world.ann, "note", delete(&parameters)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Malformed && error.message().contains("once"), "{error:?}");
    }
    assert_eq!(list().await, before);
}
