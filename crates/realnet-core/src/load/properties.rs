//! Properties of plans: the order within a load does not matter, and plans converge.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Options;
use super::tests::{World, document};

/// Types `T0…` with bases among the earlier ones, and items in a tree with references to earlier ones.
fn load() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<bool>()), 1..8).prop_map(|seeds| {
        let mut types = vec![json!({"name": "Item"})];
        let mut items: Vec<Value> = Vec::new();
        for (number, (index, value, flag)) in seeds.iter().enumerate() {
            let base = if number == 0 { "Item".to_owned() } else { format!("T{}", index.index(number)) };
            types.push(json!({"name": format!("T{number}"), "base": base, "value": value, "fields": [
                {"name": format!("f{number}"), "type": "reference", "reference": "Item"}]}));
            let mut item =
                json!({"name": format!("I{number}"), "type": format!("T{number}"), "value": value});
            if *flag && number > 0 {
                let to = index.index(number);
                item[format!("f{number}")] =
                    json!({"$ref": {"type": format!("T{to}"), "name": format!("I{to}")}});
            }
            items.push(item);
        }
        (types, items)
    })
}

/// The store without ids.
fn shape(world: &World) -> Vec<String> {
    let name = |id: &Value| {
        let found = world.items.iter().find(|item| Some(item.id.to_string().as_str()) == id.as_str());
        found.map_or_else(|| id.to_string(), |item| item.name.clone())
    };
    let mut shape: Vec<String> = world
        .items
        .iter()
        .map(|item| {
            let attributes: Vec<String> = item
                .attributes
                .as_map()
                .iter()
                .map(|(key, value)| format!("{key}={}", name(value)))
                .collect();
            format!("{} {} {attributes:?}", item.name, item.type_name)
        })
        .chain(
            world
                .registry
                .types()
                .map(|info| format!("{} {:?} {:?}", info.name(), info.attributes(), info.definition().base)),
        )
        .collect();
    shape.sort();
    shape
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order within a load, the store is the same afterwards, and a second plan is empty.
    #[test]
    fn order_does_not_matter((types, items) in load(), seed in any::<u64>()) {
        let mut one = World::default();
        one.load(&[document("x.json", &json!({"types": types, "items": items}))]);
        let mut shuffled = (types.clone(), items.clone());
        let rotate = seed as usize;
        shuffled.0.reverse();
        shuffled.1.reverse();
        let (a, b) = (rotate % shuffled.0.len(), rotate % shuffled.1.len());
        shuffled.0.rotate_left(a);
        shuffled.1.rotate_left(b);
        let documents = [document("x.json", &json!({"types": shuffled.0, "items": shuffled.1}))];
        let mut other = World::default();
        other.load(&documents);
        prop_assert_eq!(shape(&one), shape(&other));
        prop_assert!(one.plan(&documents, Options::default()).unwrap().is_empty());
    }

    /// From any load to any other: after applying there is nothing left to do, and pruning leaves what a fresh
    /// load would make.
    #[test]
    fn plans_converge((types, items) in load(), (next_types, next_items) in load()) {
        let mut world = World::default();
        world.load(&[document("x.json", &json!({"types": types, "items": items}))]);
        let documents = [document("x.json", &json!({"types": next_types, "items": next_items}))];
        let options = Options { prune: true, ..Options::default() };
        // A narrower reference may refuse the change of a base; that is no matter of convergence.
        if let Ok(plan) = world.plan(&documents, options) {
            world.apply(&plan);
            let again = world.plan(&documents, options).unwrap();
            prop_assert!(again.is_empty() && again.entries.is_empty(), "{:?}", again);
            let mut fresh = World::default();
            fresh.load(&documents);
            prop_assert_eq!(shape(&world), shape(&fresh));
        }
    }
}
