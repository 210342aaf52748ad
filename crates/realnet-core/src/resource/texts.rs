//! Reads small documents of texts, as signing in has them: known fields only, every fault reported at once.

use serde_json::Value;

use crate::error::{Error, Result, Violation};

/// The longest value, in bytes: enough for any name, password or token.
const MAX_LENGTH: usize = 4096;

/// The values of `names` in their order; those behind the first `required` may be absent.
///
/// # Errors
/// Malformed when it is no object, invalid when a value is not as expected. Values are not repeated: they may be secret.
pub fn texts<const N: usize>(body: Value, names: [&str; N], required: usize) -> Result<[Option<String>; N]> {
    let Value::Object(map) = body else {
        return Err(Error::malformed("expected a JSON object"));
    };
    let mut values = [const { None }; N];
    let mut violations = Vec::new();
    for (name, value) in map {
        let pointer = format!("/{name}");
        match (names.iter().position(|known| *known == name), value) {
            (None, _) => violations.push(Violation::new(pointer, "is not known here")),
            (Some(position), Value::String(text)) if text.len() <= MAX_LENGTH => {
                values[position] = Some(text);
            }
            (Some(_), Value::String(_)) => violations.push(Violation::new(pointer, "is too long")),
            (Some(position), Value::Null) if position >= required => {}
            (Some(_), _) => violations.push(Violation::new(pointer, "expected text")),
        }
    }
    for (name, value) in names.iter().zip(&values).take(required) {
        let pointer = format!("/{name}");
        if value.is_none() && !violations.iter().any(|violation| violation.pointer == pointer) {
            violations.push(Violation::new(pointer, "is required"));
        }
    }
    if violations.is_empty() { Ok(values) } else { Err(Error::invalid(violations)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    #[test]
    fn every_fault_is_reported_and_no_value_repeated() {
        let body = json!({"username": 7, "extra": "hunter2"});
        let error = texts(body, ["username", "password", "org"], 2).unwrap_err();
        assert_eq!((error.kind(), error.violations().len()), (ErrorKind::InvalidInput, 3));
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn optional_values_may_be_absent_or_null() {
        let body = json!({"username": "a", "password": "b", "org": null});
        let values = texts(body, ["username", "password", "org"], 2).unwrap();
        assert_eq!(values, [Some("a".to_owned()), Some("b".to_owned()), None]);
        assert_eq!(texts(json!([]), ["a"], 1).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
