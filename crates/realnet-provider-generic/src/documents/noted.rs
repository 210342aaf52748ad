//! What the types were when a server had the folder last. While none has it, their documents may be exchanged, by an older commit,
//! a merge or an editor: what was not for everybody stays hidden all the same, as after a change of the type.
//!
//! The types stand in the private log for that, beside their documents. In a clone there is none, and documents are all that is
//! known.

use realnet_core::error::Result;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::TypeRegistry;

use super::{layout, wire};
use crate::memory::{Effect, State, Touch};

/// The types of a state, which may have lost the protection of fields since they were as in `before`.
///
/// # Errors
/// As [`TypeRegistry::build`].
pub(super) fn registry(state: &State, before: &State) -> Result<TypeRegistry> {
    match TypeRegistry::build(before.snapshot()) {
        Ok(before) => before.reloaded(state.snapshot()),
        Err(error) => {
            let error = error.report();
            tracing::warn!(
                error,
                "the types of before do not fit together any more: what they keep hidden goes by their own fields alone"
            );
            TypeRegistry::build(state.snapshot().keeping_own(&before.snapshot()))
        }
    }
}

/// Notes in the types of a state what they keep hidden by their registry, and says so; answers those that others were before.
pub(super) fn keep(state: &mut State, registry: &TypeRegistry, extension: &str) -> Vec<Effect> {
    let mut changed = Vec::new();
    for info in registry.types() {
        let Some(known) = state.types.get_mut(&info.id()) else { continue };
        let retired = &info.definition().retired;
        if known.retired == *retired {
            continue;
        }
        let is_new = |name: &&str| known.retired.iter().all(|other| other.name != **name);
        let new: Vec<&str> = retired.iter().map(|retired| retired.name.as_str()).filter(is_new).collect();
        if !new.is_empty() {
            let touch = Touch::Type(known.id, known.org, known.name.clone());
            let document = layout::document(&touch, extension).unwrap_or_default();
            tracing::warn!(
                document,
                fields = new.join(", "),
                "a type has lost fields that were not for everybody while no server had the folder: what items hold under their names stays hidden"
            );
        }
        known.retired.clone_from(retired);
        changed.push(Effect::Put(StoreRecord::Type(Box::new(known.clone()))));
    }
    changed
}

/// The lines that the private log lacks, so that the next start finds the types of a state there.
pub(super) fn lines(state: &State, before: &State) -> Result<Vec<(String, String)>> {
    let gone = before.types.values().filter(|was| {
        let now = state.types.get(&was.id);
        now.is_none_or(|now| (now.org, &now.name) != (was.org, &was.name))
    });
    let gone = gone.map(|was| Effect::Gone(Touch::Type(was.id, was.org, was.name.clone())));
    let others = state.types.values().filter(|now| before.types.get(&now.id) != Some(*now));
    let others = others.map(|now| Effect::Put(StoreRecord::Type(Box::new(now.clone()))));
    gone.chain(others).filter_map(|effect| wire::private_line(&effect).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use realnet_core::Uuid;
    use realnet_core::provider::TypeProvider as _;
    use realnet_core::registry::RegistryHandle;
    use serde_json::{Value, json};

    use super::super::shape;
    use super::super::testing::Json;
    use super::*;
    use crate::documents::{DocumentStore, Edits};

    const STAFF: Uuid = Uuid::from_u128(2);

    /// Writes the document of a type by hand.
    fn write(folder: &Path, name: &str, document: &Value) {
        std::fs::create_dir_all(folder.join("types")).unwrap();
        std::fs::write(folder.join(format!("types/{name}.json")), document.to_string()).unwrap();
    }

    fn staff(fields: &Value) -> Value {
        json!({"id": STAFF, "base": "Item", "fields": fields})
    }

    /// The names that stay hidden, of the store as a server has it.
    async fn hidden(folder: &Path) -> Vec<String> {
        let documents = DocumentStore::open(folder, Json).unwrap();
        let registry = TypeRegistry::build(documents.store().load_types().await.unwrap()).unwrap();
        let names = registry.by_id(STAFF).unwrap().retired_names();
        names.map(str::to_owned).collect()
    }

    fn text(folder: &Path) -> String {
        std::fs::read_to_string(folder.join("types/Staff.json")).unwrap()
    }

    #[tokio::test]
    async fn what_was_protected_stays_hidden_when_its_field_goes_while_no_server_runs() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        drop(DocumentStore::open(folder, Json).unwrap());
        let desk = json!({"name": "desk", "type": "string"});
        let pin = json!({"name": "pin", "type": "secret"});
        let pay = json!({"name": "pay", "type": "integer", "read": ["HR"]});
        write(folder, "Item", &json!({"id": Uuid::from_u128(1)}));
        write(folder, "Staff", &staff(&json!([pin, pay, desk])));
        let first = text(folder);
        assert_eq!(hidden(folder).await, Vec::<String>::new());
        assert_eq!(hidden(folder).await, Vec::<String>::new());
        assert_eq!(text(folder), first, "a document is left as it is where nothing is to be noted");

        for _ in 0..2 {
            // Whatever is exchanged, the note as well.
            write(folder, "Staff", &staff(&json!([desk])));
            let looked = DocumentStore::look(folder, &Json, Edits::Refused).unwrap();
            assert_eq!(looked.peek(|state| state.types[&STAFF].retired.len()), 2, "copies have it, too");
            drop(looked);
            assert_eq!(hidden(folder).await, ["pin", "pay"]);
            assert!(text(folder).contains("\"retired\""), "for clones: {}", text(folder));
        }
        // As by a change: what comes back as it was is a field again.
        write(folder, "Staff", &staff(&json!([pin, pay, desk])));
        assert_eq!(hidden(folder).await, Vec::<String>::new());
        // Nothing is known where the log is gone, and nothing is made up.
        write(folder, "Staff", &staff(&json!([desk])));
        std::fs::remove_file(folder.join(".realnet/private.log")).unwrap();
        assert_eq!(hidden(folder).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_a_server_has_been_told_of_a_type_counts_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        drop(DocumentStore::open(folder, Json).unwrap());
        write(folder, "Item", &json!({"id": Uuid::from_u128(1)}));
        write(folder, "Staff", &staff(&json!([])));
        let documents = DocumentStore::open(folder, Json).unwrap();
        let store = Arc::clone(documents.store());
        let registry = TypeRegistry::build(store.load_types().await.unwrap()).unwrap();
        let registry = RegistryHandle::new(registry);
        write(folder, "Staff", &staff(&json!([{"name": "pin", "type": "secret"}])));
        let begun = Instant::now();
        while store.peek(|state| state.types[&STAFF].fields.is_empty()) {
            assert!(begun.elapsed() < Duration::from_mins(1), "it is not taken over");
            documents.look_through(&*store, &registry).await.unwrap();
        }
        drop(documents);
        write(folder, "Staff", &staff(&json!([])));
        assert_eq!(hidden(folder).await, ["pin"]);
    }

    #[test]
    fn types_of_before_that_do_not_fit_together_keep_their_own_fields_hidden() {
        let state = |base: &str, fields: Value| {
            let mut state = State::default();
            for (id, name, text) in [
                (Uuid::from_u128(1), "Item", json!({})),
                (STAFF, "Staff", json!({"base": base, "fields": fields})),
            ] {
                let info = shape::type_definition(text, None, name, id).unwrap();
                state.overlay(&Effect::Put(StoreRecord::Type(Box::new(info))));
            }
            state
        };
        let pay = json!({"name": "pay", "type": "integer", "read": ["HR"]});
        let before = state("Nothing", json!([{"name": "pin", "type": "secret"}, pay]));
        assert!(TypeRegistry::build(before.snapshot()).is_err());
        let mut now = state("Item", json!([pay]));
        let registry = registry(&now, &before).unwrap();
        assert_eq!(registry.by_id(STAFF).unwrap().retired_names().collect::<Vec<_>>(), ["pin"]);
        assert_eq!(keep(&mut now, &registry, "json").len(), 1, "the next start finds it in the document");
        assert_eq!(now.types[&STAFF].retired[0].name, "pin");
    }

    #[test]
    fn types_that_are_gone_or_renamed_leave_no_line() {
        let state = |types: &[(u128, &str)]| {
            let mut state = State::default();
            for (number, name) in types {
                let id = Uuid::from_u128(*number);
                let info = shape::type_definition(json!({}), None, name, id).unwrap();
                state.overlay(&Effect::Put(StoreRecord::Type(Box::new(info))));
            }
            state
        };
        let told = |now: &[(u128, &str)], was: &[(u128, &str)]| {
            let lines = lines(&state(now), &state(was)).unwrap();
            lines.into_iter().map(|(_, value)| !value.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(told(&[(1, "A"), (2, "B")], &[(1, "A"), (2, "B")]), Vec::<bool>::new());
        assert_eq!(told(&[(1, "A"), (2, "B")], &[]), [true, true]);
        assert_eq!(told(&[(1, "A")], &[(1, "A"), (2, "B")]), [false]);
        assert_eq!(told(&[(1, "A"), (2, "C")], &[(1, "A"), (2, "B")]), [false, true]);
    }
}
