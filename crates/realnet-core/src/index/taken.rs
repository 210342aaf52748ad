//! What every store says of a unique value that somebody else has.

use crate::error::{Error, Violation};

/// The error for a value that another item has already. `field` is the name of its index
/// ([`FieldRef::name`](crate::registry::FieldRef)): that of a field, or those of fields that are unique together.
pub fn value_taken(field: &str) -> Error {
    let names: Vec<&str> = field.split('+').collect();
    let message = match names.as_slice() {
        [name] => format!("another item has this value of {name} already"),
        names => format!("another item has these values of {} already", names.join(" and ")),
    };
    let violation = |name: &&str| Violation::new(format!("/attributes/{name}"), message.clone());
    let violations = names.iter().map(violation).collect();
    Error::conflict(message.clone()).with_violations(violations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_are_pointed_to() {
        let pointers = |field: &str| -> Vec<String> {
            value_taken(field).violations().iter().map(|violation| violation.pointer.clone()).collect()
        };
        assert_eq!(pointers("code"), ["/attributes/code"]);
        assert_eq!(pointers("account+group"), ["/attributes/account", "/attributes/group"]);
        assert!(value_taken("account+group").message().contains("account and group"));
    }
}
