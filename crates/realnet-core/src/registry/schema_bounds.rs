//! Bounds of the JSON Schemas that fields declare, so that whoever declares types can not make validation run for ever.
//!
//! A schema may refer to its own parts. References that double with each step, or that lead back in two ways for the
//! same value, would be followed exponentially often. So a schema is followed here as a validator would follow it,
//! through references but not into values, and refused where that does not end soon.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::weight;

/// The most schemas that a value may meet on its way, references followed.
const MAX_SCHEMAS: usize = 5000;
/// The most schemas that look at one and the same place of a value.
const MAX_AT_ONE_PLACE: usize = 200;
/// The most references and combinations around each other at one place.
const MAX_AROUND: usize = 12;
/// The most `unevaluated…` around each other: each looks again at everything inside.
const MAX_UNEVALUATED: usize = 2;
/// The most that a schema weighs, references followed: compiled patterns above all.
const MAX_WEIGHT: usize = 4 << 20;
/// The most values of one enumeration: each is compared.
pub(super) const MAX_VALUES: usize = 1000;

/// Keywords by which a schema could be found under another name than its place.
const NAMES: [&str; 4] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"];

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step<'a> {
    Key(&'a str),
    AnyKey,
    Index(usize),
    AnyIndex,
}

impl Step<'_> {
    /// Whether two steps can lead to the same place.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(two)) => one == two,
            (Self::Index(one), Self::Index(two)) => one == two,
            (Self::Key(_) | Self::AnyKey, Self::Key(_) | Self::AnyKey)
            | (Self::Index(_) | Self::AnyIndex, Self::Index(_) | Self::AnyIndex) => true,
            _ => false,
        }
    }
}

/// What a schema weighs when it is compiled; says what is wrong with it, if anything is.
pub(super) fn check(schema: &Value) -> Result<usize, String> {
    let mut walk = Walk { root: schema, schemas: 0, weight: 0, places: HashMap::new(), loops: Vec::new() };
    walk.visit(schema, &mut Trail::default())?;
    Ok(walk.weight)
}

/// The way from the root to a schema.
#[derive(Default)]
struct Trail<'a> {
    /// The schemas on the way, with how far into the value each stands.
    around: Vec<(&'a Value, usize)>,
    /// The way into the value.
    place: Vec<Step<'a>>,
    unevaluated: usize,
}

struct Walk<'a> {
    root: &'a Value,
    schemas: usize,
    weight: usize,
    /// How many schemas look at a place.
    places: HashMap<Vec<Step<'a>>, usize>,
    /// The places at which a schema leads back to one around it.
    loops: Vec<Vec<Step<'a>>>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, schema: &'a Value, trail: &mut Trail<'a>) -> Result<(), String> {
        let Value::Object(map) = schema else { return Ok(()) };
        let depth = trail.place.len();
        if let Some((_, entered)) = trail.around.iter().find(|(other, _)| std::ptr::eq(*other, schema)) {
            return if *entered == depth { Err(endless()) } else { self.close_loop(trail) };
        }
        self.schemas += 1;
        let place = self.places.entry(trail.place.clone()).or_default();
        *place += 1;
        if self.schemas > MAX_SCHEMAS || *place > MAX_AT_ONE_PLACE {
            return Err(format!(
                "has too many parts, references followed: at most {MAX_SCHEMAS}, and {MAX_AT_ONE_PLACE} for one value"
            ));
        }
        if trail.around.iter().filter(|(_, entered)| *entered == depth).count() > MAX_AROUND {
            return Err(format!("at most {MAX_AROUND} references and combinations stand around each other"));
        }
        check_names(map, trail.around.is_empty())?;
        check_values(map)?;
        self.weight += weight::of_schema_node(map)?;
        if self.weight > MAX_WEIGHT {
            return Err("takes too much memory: its patterns or values are too large".to_owned());
        }
        let unevaluated = map.keys().any(|key| key.starts_with("unevaluated"));
        trail.unevaluated += usize::from(unevaluated);
        if trail.unevaluated > MAX_UNEVALUATED {
            return Err(format!("at most {MAX_UNEVALUATED} unevaluated… stand around each other"));
        }
        trail.around.push((schema, depth));
        self.follow(map, trail)?;
        trail.around.pop();
        trail.unevaluated -= usize::from(unevaluated);
        Ok(())
    }

    /// Visits everything that a validator looks at next.
    fn follow(&mut self, map: &'a Map<String, Value>, trail: &mut Trail<'a>) -> Result<(), String> {
        for (keyword, value) in map {
            match keyword.as_str() {
                "$ref" => self.visit(self.target(value)?, trail)?,
                "allOf" | "anyOf" | "oneOf" => {
                    value.as_array().into_iter().flatten().try_for_each(|part| self.visit(part, trail))?;
                }
                "not" | "if" | "then" | "else" => self.visit(value, trail)?,
                "dependentSchemas" | "dependencies" => {
                    parts(value).try_for_each(|(_, part)| self.visit(part, trail))?;
                }
                "properties" => parts(value)
                    .try_for_each(|(name, part)| self.visit_inside(Step::Key(name), part, trail))?,
                "patternProperties" => {
                    parts(value).try_for_each(|(_, part)| self.visit_inside(Step::AnyKey, part, trail))?;
                }
                "additionalProperties" | "unevaluatedProperties" | "propertyNames" => {
                    self.visit_inside(Step::AnyKey, value, trail)?;
                }
                "prefixItems" | "items" if value.is_array() => {
                    let parts = value.as_array().into_iter().flatten().enumerate();
                    for (index, part) in parts {
                        self.visit_inside(Step::Index(index), part, trail)?;
                    }
                }
                "items" | "contains" | "additionalItems" | "unevaluatedItems" => {
                    self.visit_inside(Step::AnyIndex, value, trail)?;
                }
                // Looked at only where something refers to it, but a name in it would count all the same.
                "$defs" | "definitions" => {
                    parts(value).try_for_each(|(_, part)| check_definition(part))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn visit_inside(
        &mut self,
        step: Step<'a>,
        schema: &'a Value,
        trail: &mut Trail<'a>,
    ) -> Result<(), String> {
        trail.place.push(step);
        self.visit(schema, trail)?;
        trail.place.pop();
        Ok(())
    }

    /// A schema that leads back to one around it is fine as long as every place of a value is reached by one way only.
    fn close_loop(&mut self, trail: &Trail<'a>) -> Result<(), String> {
        let meets = |other: &Vec<Step<'a>>| other.iter().zip(&trail.place).all(|(one, two)| one.meets(two));
        if self.loops.iter().any(meets) {
            return Err("refers back to itself in two ways for the same value".to_owned());
        }
        self.loops.push(trail.place.clone());
        Ok(())
    }

    fn target(&self, reference: &Value) -> Result<&'a Value, String> {
        let text = reference.as_str().unwrap_or_default();
        let found = text.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        found.ok_or_else(|| {
            format!("'{}' refers to no part of the schema, as #/$defs/name does", shortened(text))
        })
    }
}

fn parts(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, part)| (name.as_str(), part))
}

fn endless() -> String {
    "refers to itself without end".to_owned()
}

/// Parts are found by their place alone; the name of the whole is its author's affair.
fn check_names(map: &Map<String, Value>, is_root: bool) -> Result<(), String> {
    let inner = if is_root { None } else { map.keys().find(|key| *key == "$id") };
    match inner.or_else(|| map.keys().find(|key| NAMES.contains(&key.as_str()))) {
        Some(keyword) => Err(format!("{keyword} is not supported: refer to parts as #/$defs/name")),
        None => Ok(()),
    }
}

fn check_values(map: &Map<String, Value>) -> Result<(), String> {
    match map.get("enum").and_then(Value::as_array) {
        Some(values) if values.len() > MAX_VALUES => Err(format!("an enum has at most {MAX_VALUES} values")),
        _ => Ok(()),
    }
}

/// Finds names anywhere in a definition; depth is bounded by the parser.
fn check_definition(part: &Value) -> Result<(), String> {
    match part {
        Value::Object(map) => {
            let texts = |key: &&String| map[key.as_str()].is_string();
            let named = map.keys().filter(texts).find(|key| *key == "$id" || NAMES.contains(&key.as_str()));
            if let Some(keyword) = named {
                return Err(format!("{keyword} is not supported: refer to parts as #/$defs/name"));
            }
            map.values().try_for_each(check_definition)
        }
        Value::Array(values) => values.iter().try_for_each(check_definition),
        _ => Ok(()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `count` definitions, each of which refers to the next one `times` times.
    fn doubling(count: usize, times: usize) -> Value {
        let name = |index: usize| json!({"$ref": format!("#/$defs/d{index}")});
        let mut definitions = Map::new();
        for index in 0..count {
            let next = json!({"properties": {"a": {"allOf": vec![name(index + 1); times]}}});
            definitions.insert(format!("d{index}"), next);
        }
        definitions.insert(format!("d{count}"), json!({"type": "object"}));
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    }

    #[test]
    fn what_people_write_is_fine() {
        let tree = json!({"$id": "https://example.test/tree", "properties": {
            "left": {"$ref": "#"}, "right": {"oneOf": [{"$ref": "#"}, {"type": "null"}]}}});
        let mutual = json!({"$ref": "#/$defs/node", "$defs": {
            "node": {"properties": {"children": {"$ref": "#/$defs/list"}, "$id": {"type": "string"}}},
            "list": {"items": {"$ref": "#/$defs/node"}, "uniqueItems": true}}});
        let wide: Map<String, Value> =
            (0..1000).map(|index| (format!("k{index}"), json!({"type": "string"}))).collect();
        let conditional = json!({"if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]},
            "else": {"$ref": "#/$defs/b"}, "unevaluatedProperties": false, "$defs": {"b": {"maxProperties": 3}}});
        for schema in [tree, mutual, json!({"properties": wide}), conditional, doubling(30, 1), json!(true)] {
            assert!(check(&schema).is_ok(), "{schema}: {:?}", check(&schema));
        }
    }

    #[test]
    fn what_would_run_for_ever_is_refused() {
        let twice = json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]},
            "b": {"properties": {"x": {"$ref": "#/$defs/a"}}}}});
        let overlapping =
            json!({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"^a": {"$ref": "#"}}});
        let around = (0..20).fold(json!({}), |inner, _| json!({"allOf": [inner]}));
        let again = (0..4).fold(json!({}), |inner, _| json!({"oneOf": [inner], "unevaluatedItems": false}));
        for (schema, words) in [
            (json!({"$ref": "#"}), "without end"),
            (
                json!({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}),
                "without end",
            ),
            (twice, "two ways"),
            (overlapping, "two ways"),
            (json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}), "two ways"),
            (doubling(12, 2), "too many parts"),
            (doubling(1, 300), "too many parts"),
            (around, "around each other"),
            (again, "unevaluated"),
            (json!({"items": {"enum": vec![1; 1001]}}), "at most 1000"),
            (json!({"pattern": "(a"}), "no regular expression"),
            (json!({"items": {"patternProperties": {"a{90000}": {}}}}), "too large"),
            (json!({"allOf": vec![json!({"pattern": "a{1000}"}); 100]}), "memory"),
            (json!({"$ref": "https://example.test/x"}), "no part"),
            (json!({"$ref": "#/$defs/nothing"}), "no part"),
            (json!({"properties": {"a": {"$id": "urn:x"}}}), "$id"),
            (json!({"$defs": {"a": {"items": {"$anchor": "x"}}}}), "$anchor"),
            (json!({"$dynamicRef": "#x"}), "$dynamicRef"),
        ] {
            let refused = check(&schema).expect_err(&schema.to_string());
            assert!(refused.contains(words), "{schema}: {refused}");
        }
    }
}
