//! Grants as they are shown of an item or a type: one list, in which inherited ones are marked.

use serde_json::Value;
use uuid::Uuid;

use super::Grant;

/// The mark of a grant that an item inherits.
const INHERITED: &str = "inherited";

/// The grants on something. As JSON: `[{"subject", "permissions"}]`, and of those that an item inherits
/// `{"subject", "permissions", "inherited": true, "from"}` behind them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShownGrants {
    /// Those that stand on it.
    pub own: Vec<Grant>,
    /// Those that it inherits, with the item that they stand on where whoever looks may read that one.
    pub inherited: Vec<(Grant, Option<Uuid>)>,
}

impl From<Vec<Grant>> for ShownGrants {
    fn from(own: Vec<Grant>) -> Self {
        Self { own, inherited: Vec::new() }
    }
}

#[derive(serde::Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    grant: &'a Grant,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inherited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Uuid>,
}

impl serde::Serialize for ShownGrants {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self.own.iter().map(|grant| Entry { grant, inherited: false, from: None });
        let inherited =
            self.inherited.iter().map(|(grant, from)| Entry { grant, inherited: true, from: *from });
        serializer.collect_seq(own.chain(inherited))
    }
}

/// Whether an entry of a list is one that the item inherits.
pub(super) fn is_inherited(entry: &Value) -> bool {
    entry.get(INHERITED).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::acl::{Permission, Permissions, Subject};

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let grant = |account| Grant {
            subject: Subject::Account(Uuid::from_u128(account)),
            permissions: Permissions::of(&[Permission::Read]),
        };
        let from = Uuid::from_u128(9);
        let shown =
            ShownGrants { own: vec![grant(1)], inherited: vec![(grant(2), Some(from)), (grant(3), None)] };
        let document = serde_json::to_value(&shown).unwrap();
        let entry = |account| json!({"subject": {"type": "account", "id": Uuid::from_u128(account)}, "permissions": ["read"]});
        assert_eq!(document[0], entry(1), "as it always was");
        assert_eq!((&document[1]["inherited"], &document[1]["from"]), (&json!(true), &json!(from)));
        assert_eq!((&document[2]["inherited"], document[2].get("from")), (&json!(true), None));
        assert_eq!(Grant::own_list_from_json(&document, "").unwrap(), shown.own);
        assert_eq!(Grant::own_list_from_json(&document[0], "").unwrap_err().violations()[0].pointer, "");
    }

    #[test]
    fn only_own_grants_count_against_the_bound_and_keep_their_places() {
        let grant = json!({"subject": {"type": "public"}, "permissions": ["read"]});
        let inherited = json!({"subject": {"type": "public"}, "permissions": ["read"], "inherited": true});
        let mut list = vec![inherited.clone(); Grant::MAX_PER_OBJECT];
        list.extend(vec![grant; Grant::MAX_PER_OBJECT]);
        assert_eq!(Grant::own_list_from_json(&json!(list), "").unwrap().len(), Grant::MAX_PER_OBJECT);
        let refused = Grant::own_list_from_json(&json!([inherited, {}]), "").unwrap_err();
        assert_eq!(refused.violations()[0].pointer, "/1");
    }
}
