//! Attributes from the command line: `--name "Name" --attribute value`, converted by the type's fields.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Failure, Usage};

/// What stood behind `realnet create TYPE` or `realnet update TYPE ID`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Name and text of each attribute.
    pub pairs: Vec<(String, String)>,
    /// Documents to start from: `--data @file` or `--data '{…}'`.
    pub data: Vec<String>,
    /// `--server`, `-o`: flags of the command itself that stand behind the type.
    pub flags: Vec<(String, String)>,
}

/// Reads `--key value`, `--key=value`, `--attribute key=value` and `--data @file`. A key without a value is true.
pub fn parse(arguments: &[String]) -> Result<Given, Failure> {
    let mut given = Given::default();
    let mut rest = arguments.iter().peekable();
    while let Some(argument) = rest.next() {
        if argument == "-o" {
            let value = rest.next().ok_or_else(|| Usage("-o needs a value".to_owned()))?;
            given.flags.push(("-o".to_owned(), value.clone()));
            continue;
        }
        let Some(key) = argument.strip_prefix("--").filter(|key| !key.is_empty()) else {
            return Err(Usage(format!("'{argument}' is no attribute: expected --name value")).into());
        };
        let (key, value) = match key.split_once('=') {
            Some((key, value)) => (key, value.to_owned()),
            None => match rest.next_if(|next| !next.starts_with("--")) {
                Some(value) => (key, value.clone()),
                None => (key, "true".to_owned()),
            },
        };
        match key {
            "data" => given.data.push(value),
            "server" | "output" => given.flags.push((format!("--{key}"), value)),
            "attribute" => match value.split_once('=') {
                Some((key, value)) => given.pairs.push((key.to_owned(), value.to_owned())),
                // The guide's literal pair: an attribute that is called `attribute`.
                None => given.pairs.push((key.to_owned(), value)),
            },
            _ => given.pairs.push((key.replace('-', "_"), value)),
        }
    }
    Ok(given)
}

/// Field names with their types (`string`, `integer`, …) and whether they are lists.
pub type Fields = HashMap<String, (String, bool)>;

/// The body of a request: documents first, pairs over them.
pub fn body(given: &Given, fields: &Fields) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    for data in &given.data {
        body.extend(document(data)?);
    }
    for (key, text) in &given.pairs {
        body.insert(key.clone(), convert(key, text, fields.get(key))?);
    }
    Ok(body)
}

fn document(data: &str) -> Result<Map<String, Value>, Failure> {
    let text = match data.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        None => data.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(_) => Err("--data: expected a JSON object, such as {\"name\": \"x\"}".into()),
        Err(error) => Err(format!("--data is not JSON: {error}").into()),
    }
}

/// Properties of every item that are not text.
const LISTS: [&str; 1] = ["tags"];
const DOCUMENTS: [&str; 1] = ["attributes"];
const FLAGS: [&str; 1] = ["public"];

/// Converts by the declared type; undeclared attributes stay text unless they read as JSON other than text.
fn convert(key: &str, text: &str, field: Option<&(String, bool)>) -> Result<Value, Failure> {
    let wrong = |expected: &str| -> Failure { Usage(format!("--{key}: expected {expected}")).into() };
    match field {
        _ if LISTS.contains(&key) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
        _ if key == "location" => location(text)
            .ok_or_else(|| wrong("longitude,latitude such as 8.54,47.37, or a GeoJSON point or polygon")),
        _ if DOCUMENTS.contains(&key) => serde_json::from_str(text).map_err(|_| wrong("JSON")),
        _ if FLAGS.contains(&key) => boolean(text).ok_or_else(|| wrong("true or false")),
        Some((kind, true)) if text.starts_with('[') => {
            serde_json::from_str(text).map_err(|_| wrong(&format!("a list of {kind}")))
        }
        Some((kind, true)) => text.split(',').map(|part| scalar(key, part.trim(), kind)).collect(),
        Some((kind, false)) => scalar(key, text, kind),
        None => Ok(undeclared(text)),
    }
}

fn scalar(key: &str, text: &str, kind: &str) -> Result<Value, Failure> {
    let parsed = match kind {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().map(Value::from),
        "boolean" => boolean(text),
        "json" | "geo" => serde_json::from_str(text).ok(),
        _ => Some(Value::from(text)),
    };
    parsed.ok_or_else(|| Usage(format!("--{key}: expected a value of type {kind}")).into())
}

/// `longitude,latitude` as a GeoJSON point, or GeoJSON as it is.
fn location(text: &str) -> Option<Value> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([longitude, latitude]) => {
            Some(serde_json::json!({"type": "Point", "coordinates": [longitude, latitude]}))
        }
        _ => serde_json::from_str(text).ok().filter(Value::is_object),
    }
}

fn boolean(text: &str) -> Option<Value> {
    text.parse::<bool>().ok().map(Value::from)
}

fn undeclared(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if !value.is_string() => value,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn converted(arguments: &[&str], fields: &[(&str, &str, bool)]) -> Result<Value, Failure> {
        let fields = fields
            .iter()
            .map(|(name, kind, multiple)| ((*name).to_owned(), ((*kind).to_owned(), *multiple)))
            .collect();
        body(&parse(&words(arguments))?, &fields).map(Value::Object)
    }

    #[test]
    fn places_are_given_as_numbers_or_as_geojson() {
        let point = json!({"location": {"type": "Point", "coordinates": [8.54, -47.0]}});
        assert_eq!(converted(&["--location", "8.54,-47"], &[]).unwrap(), point);
        let written = r#"{"type":"Point","coordinates":[8.54,-47.0]}"#;
        assert_eq!(converted(&["--location", written], &[]).unwrap(), point);
        for wrong in ["8.54", "Zurich", "[1,2]", "1,2,3"] {
            assert!(converted(&["--location", wrong], &[]).unwrap_err().is::<Usage>(), "{wrong}");
        }
    }

    #[test]
    fn pairs_are_taken_as_the_guide_writes_them() {
        let body = converted(&["--name", "Resource Name", "--attribute", "value"], &[]).unwrap();
        assert_eq!(body, json!({"name": "Resource Name", "attribute": "value"}));
        let body = converted(&["--attribute", "tier=pro", "--done", "--x=1"], &[]).unwrap();
        assert_eq!(body, json!({"tier": "pro", "done": true, "x": 1}));
    }

    #[test]
    fn values_follow_the_fields() {
        let fields = [("zip", "string", false), ("amount", "number", false), ("ids", "integer", true)];
        let body =
            converted(&["--zip", "0123", "--amount", "1.5", "--ids", "1,2", "--tags", "a, b"], &fields);
        assert_eq!(body.unwrap(), json!({"zip": "0123", "amount": 1.5, "ids": [1, 2], "tags": ["a", "b"]}));
        assert!(converted(&["--amount", "much"], &fields).unwrap_err().is::<Usage>());
    }

    #[test]
    fn negative_numbers_are_values() {
        assert_eq!(converted(&["--x", "-5"], &[]).unwrap(), json!({"x": -5}));
    }

    #[test]
    fn what_is_no_pair_is_usage() {
        assert!(parse(&words(&["name"])).unwrap_err().is::<Usage>());
        assert!(parse(&words(&["--"])).unwrap_err().is::<Usage>());
    }

    #[test]
    fn data_comes_first() {
        let body = converted(&["--data", r#"{"a": 1, "b": 2}"#, "--a", "3"], &[]).unwrap();
        assert_eq!(body, json!({"a": 3, "b": 2}));
    }
}
