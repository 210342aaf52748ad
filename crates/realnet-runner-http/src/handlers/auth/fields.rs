//! Reads the small documents of signing in: known text fields only, every fault reported at once.

use realnet_core::{Error, Violation};
use serde_json::Value;

use crate::problem::Problem;

/// The longest value, in bytes: enough for any name, password or token.
const MAX_LENGTH: usize = 4096;

/// The values of `names` in their order; those behind the first `required` may be absent.
pub(super) fn read<const N: usize>(
    body: Value,
    names: [&str; N],
    required: usize,
) -> Result<[Option<String>; N], Problem> {
    let Value::Object(map) = body else {
        return Err(Error::malformed("expected a JSON object").into());
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
    if violations.is_empty() { Ok(values) } else { Err(Error::invalid(violations).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_reported_and_no_value_repeated() {
        let body = json!({"username": 7, "extra": "hunter2"});
        let problem = read(body, ["username", "password", "org"], 2).unwrap_err();
        let document = problem.document("r");
        assert_eq!(problem.status(), 422);
        assert_eq!(document["errors"].as_array().map(Vec::len), Some(3), "{document}");
        assert!(!document.to_string().contains("hunter2"));
    }

    #[test]
    fn optional_values_may_be_absent_or_null() {
        let body = json!({"username": "a", "password": "b", "org": null});
        let values = read(body, ["username", "password", "org"], 2).unwrap();
        assert_eq!(values, [Some("a".to_owned()), Some("b".to_owned()), None]);
        assert_eq!(read(json!([]), ["a"], 1).unwrap_err().status(), 400);
    }
}
