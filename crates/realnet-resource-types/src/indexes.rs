//! Building the indexes of fields that were declared where items are already: chunk by chunk, between the writes of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation, Outcome};
use realnet_core::clock::Timestamp;
use realnet_core::provider::Access;
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind, Result, Uuid};

/// How many items one change set looks at.
const CHUNK: usize = 1000;
/// For so many seconds an index rests after its first failure; each further one doubles that.
const REST: i64 = 5;
/// The longest rest, in seconds.
const LONGEST_REST: i64 = 600;

/// Builds what is to be built, index by index in turn. What is built is kept in the store with its progress, so any
/// server goes on where one was stopped, and several that do so at once do each part once.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    /// The index that was gone on with last.
    last: Option<FieldRef>,
    /// Those that have failed, and rest.
    resting: BTreeMap<FieldRef, Rest>,
}

/// How often an index has failed in a row, and until when it rests.
#[derive(Debug)]
struct Rest {
    failures: u32,
    until: Timestamp,
}

impl IndexBuilder {
    /// A builder that knows of no failures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with the next of the indexes that are being built, by some items; answers whether there was one. One that
    /// fails rests, longer each time, while others go on. Call it again and again, with a pause in which others write.
    ///
    /// # Errors
    ///
    /// The store can not be reached.
    pub async fn step(&mut self, services: &Services) -> Result<bool> {
        let registry = services.registry.current();
        self.resting.retain(|field, _| registry.building().any(|other| other == field));
        let now = services.clock.now();
        let Some(field) = self.next(&registry, now) else { return Ok(false) };
        self.last = Some(field.clone());
        let access = Access { caller: Arc::new(Caller::system(Uuid::nil())), registry };
        let operations = vec![Operation::ExtendIndex { field: field.clone(), limit: CHUNK }];
        let changes = ChangeSet::new(operations, now, Arc::from("index"));
        match services.items.commit(&access, changes).await {
            Ok(outcomes) => {
                if self.resting.remove(&field).is_some() {
                    tracing::info!(field = %field.name, "an index that had failed is being built again");
                }
                if !outcomes.contains(&Outcome::Indexed(false)) {
                    tracing::info!(field = %field.name, "an index is ready");
                    services.reload_types().await?;
                }
            }
            // The types have changed meanwhile, on another server perhaps, or the store is away.
            Err(error) if error.kind() == ErrorKind::Unavailable => services.reload_types().await?,
            Err(error) => self.rest(field, &error, now),
        }
        Ok(true)
    }

    /// The first behind the last one that does not rest.
    fn next(&self, registry: &TypeRegistry, now: Timestamp) -> Option<FieldRef> {
        let is_awake = |field: &&FieldRef| self.resting.get(*field).is_none_or(|rest| rest.until <= now);
        let is_behind = |field: &&FieldRef| self.last.as_ref().is_none_or(|last| *field > last);
        let awake = || registry.building().filter(is_awake);
        awake().find(is_behind).or_else(|| awake().next()).cloned()
    }

    /// Sets an index aside. The log has its first failure only: it may fail for days.
    fn rest(&mut self, field: FieldRef, error: &Error, now: Timestamp) {
        let name = Arc::clone(&field.name);
        let rest = self.resting.entry(field).or_insert(Rest { failures: 0, until: now });
        let seconds = REST.saturating_mul(1 << rest.failures.min(16)).min(LONGEST_REST);
        if rest.failures == 0 {
            tracing::warn!(field = %name, error = %error.report(), "an index can not be built, trying again now and then");
        } else {
            tracing::debug!(field = %name, seconds, error = %error.report(), "an index can not be built still");
        }
        *rest = Rest { failures: rest.failures + 1, until: now.plus_seconds(seconds) };
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::registry::TypeSnapshot;
    use serde_json::json;

    use super::*;

    /// A type with fields a, b and c, whose indexes are being built.
    fn registry() -> TypeRegistry {
        let id = Uuid::from_u128(1);
        let field = |name| json!({"name": name, "type": "string", "index": true});
        let definition = json!({
            "id": id, "org": null, "name": "Item", "base": null, "version": 1, "attributes": {}, "access": null,
            "instances": [], "fields": [field("a"), field("b"), field("c")],
        });
        let building = |name: &str| FieldRef { declared_by: id, name: name.into() };
        let definitions = vec![serde_json::from_value(definition).unwrap()];
        let building = vec![building("a"), building("b"), building("c")];
        TypeRegistry::build(TypeSnapshot { building, ..TypeSnapshot::of(definitions) }).unwrap()
    }

    /// Goes on for as many steps with the index of `broken` failing; answers which were tried.
    fn steps(builder: &mut IndexBuilder, seconds: std::ops::Range<i64>, broken: &str) -> String {
        let registry = registry();
        let mut tried = String::new();
        for second in seconds {
            let now = Timestamp::default().plus_seconds(second);
            let Some(field) = builder.next(&registry, now) else { continue };
            builder.last = Some(field.clone());
            tried.push_str(&field.name);
            if *field.name == *broken {
                builder.rest(field, &Error::internal("an item can not be read"), now);
            }
        }
        tried
    }

    #[test]
    fn all_have_their_turn() {
        assert_eq!(steps(&mut IndexBuilder::new(), 0..7, ""), "abcabca");
    }

    #[test]
    fn one_that_fails_rests_longer_each_time_and_holds_nobody_up() {
        let mut builder = IndexBuilder::new();
        let tried = steps(&mut builder, 0..40, "a");
        assert!(tried.starts_with("abcbcabcbcbcbcbcabc"), "{tried}");
        assert_eq!(
            tried.matches('a').count(),
            4,
            "at 0 seconds, and when it is its turn after 5, 15 and 36: {tried}"
        );
        steps(&mut builder, 40..100_000, "a");
        let rest = builder.resting.values().next().unwrap();
        let longest = Timestamp::default().plus_seconds(100_000 + LONGEST_REST);
        assert!(rest.failures > 100 && rest.until <= longest, "{rest:?}");
        assert_eq!(builder.resting.len(), 1);
    }
}
