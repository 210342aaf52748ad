//! The three-way merge: what a document changed is changed, what a person changed by hand is kept and reported.

use serde_json::Value;

use super::flat::{Flat, is_default};
use super::plan::FieldChange;

/// How to settle what both sides changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Keep what was changed by hand.
    KeepHand,
    /// The document wins.
    Force,
}

/// What merging one object comes to.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Paths where the document's value (or absence) replaces what is stored.
    pub(super) take: Vec<String>,
    /// The same with values, to be shown.
    pub(super) changes: Vec<FieldChange>,
    /// Changed by hand, while the document stayed as it was.
    pub(super) kept: Vec<FieldChange>,
    /// Changed by hand and in the document.
    pub(super) conflicts: Vec<FieldChange>,
    /// The form to record as applied.
    pub(super) applied: Flat,
}

/// Merges `document` into `now`, where `applied` is what the document said last time. Of `hidden` paths it is neither looked at
/// nor shown what is stored.
pub(super) fn merge(applied: &Flat, now: &Flat, document: &Flat, rule: Rule, hidden: &[String]) -> Merged {
    let mut merged = Merged { applied: document.clone(), ..Merged::default() };
    let paths: std::collections::BTreeSet<&String> = applied.keys().chain(document.keys()).collect();
    for path in paths {
        let (base, here, said) = (applied.get(path), now.get(path), document.get(path));
        let is_hidden = hidden.contains(path);
        let here = if is_hidden { base } else { here };
        if same(path, here, said) {
            continue;
        }
        let change = || {
            if is_hidden {
                FieldChange::of_hidden(path)
            } else {
                FieldChange::new(path, here.cloned(), said.cloned())
            }
        };
        let document_changed = !same(path, base, said);
        let hand_changed = !same(path, base, here);
        if rule == Rule::Force || (document_changed && !hand_changed) {
            merged.take.push(path.clone());
            merged.changes.push(change());
        } else if document_changed {
            // Not applied, so it stays open: the next plan reports it again.
            match base {
                Some(base) => drop(merged.applied.insert(path.clone(), base.clone())),
                None => drop(merged.applied.remove(path)),
            }
            merged.conflicts.push(change());
        } else {
            merged.kept.push(change());
        }
    }
    merged
}

/// Equal, where absent and default are the same.
fn same(path: &str, left: Option<&Value>, right: Option<&Value>) -> bool {
    let said = |value: Option<&Value>| value.filter(|value| !is_default(path, value)).cloned();
    said(left) == said(right)
}

/// `now` with the taken paths as the document has them.
pub(super) fn taken(now: &Flat, document: &Flat, take: &[String]) -> Flat {
    let mut result = now.clone();
    for path in take {
        match document.get(path) {
            Some(value) => drop(result.insert(path.clone(), value.clone())),
            None => drop(result.remove(path)),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn flat() -> impl Strategy<Value = Flat> {
        let value = prop_oneof![Just(json!(1)), Just(json!(2)), Just(json!("x"))];
        prop::collection::btree_map("attributes/[a-d]", value, 0..4)
    }

    proptest! {
        /// Per path: only a document that changed, where no hand did, is applied; after that nothing is left to do.
        #[test]
        fn three_ways(applied in flat(), now in flat(), document in flat()) {
            let merged = merge(&applied, &now, &document, Rule::KeepHand, &[]);
            let after = taken(&now, &document, &merged.take);
            for path in ["attributes/a", "attributes/b", "attributes/c", "attributes/d"] {
                let (base, here, said) = (applied.get(path), now.get(path), document.get(path));
                let expected = if base == here { said } else { here };
                // What neither version of the document speaks of is left alone.
                let expected = if base.is_none() && said.is_none() { here } else { expected };
                prop_assert_eq!(after.get(path), expected, "{}", path);
            }
            let again = merge(&merged.applied, &after, &document, Rule::KeepHand, &[]);
            prop_assert!(again.take.is_empty(), "{:?}", again);
            prop_assert_eq!(&again.applied, &merged.applied);
            prop_assert_eq!(again.conflicts, merged.conflicts);
        }

        /// Forced, the document wins wherever it speaks.
        #[test]
        fn forced(applied in flat(), now in flat(), document in flat()) {
            let merged = merge(&applied, &now, &document, Rule::Force, &[]);
            let after = taken(&now, &document, &merged.take);
            for (path, value) in &document {
                prop_assert_eq!(after.get(path), Some(value));
            }
            prop_assert_eq!(merged.applied, document);
        }
    }

    #[test]
    fn absent_is_default() {
        let flat = |value: Value| Flat::from([("public".to_owned(), value)]);
        let merged = merge(&Flat::new(), &Flat::new(), &flat(json!(false)), Rule::Force, &[]);
        assert!(merged.take.is_empty());
    }
}
