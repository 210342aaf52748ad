//! Validation of an item's attributes against its type's fields: canonical forms first, then the compiled schema.

use std::sync::{Arc, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::{Value, json};

use super::problems::escaped;
use super::{FieldInfo, TypeInfo, formats, schema, schema_bounds, weight};
use crate::error::{Error, Result, Violation};
use crate::model::{Field, FieldKind, Map};

/// The most violations that one answer lists.
const MAX_VIOLATIONS: usize = 1000;
/// The largest compiled form of one pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;
/// The most that matching one pattern remembers of its states, in bytes.
const MAX_STATES: usize = 128 << 10;

/// The rules of one type. The schema is compiled when first needed, and kept as long as the registry.
#[derive(Debug, Default)]
pub(super) struct Validator {
    /// For the interface description.
    schema: Value,
    compiled: OnceLock<Option<jsonschema::Validator>>,
}

impl Validator {
    pub(super) fn new(name: &str, fields: &[Arc<FieldInfo>], is_strict: bool, constants: &Map) -> Self {
        Self { schema: schema::of_type(name, fields, is_strict, constants), compiled: OnceLock::new() }
    }

    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks all attributes but `kept`, which are there and in order.
    pub(super) fn validate(
        &self,
        info: &TypeInfo,
        instance: Option<&str>,
        kept: &[&str],
        attributes: &mut Map,
    ) -> Result<()> {
        let mut violations = Vec::new();
        let unknown = instance.filter(|name| info.instance(name).is_none());
        if let Some(name) = unknown {
            let detail = format!("type {} has no instance {name}", info.name());
            violations.push(Violation::new("/instance", detail));
        }
        let constants = info.constants_of(instance);
        // The instance that was meant may bring the value along.
        let may_be_given = |field: &FieldInfo| {
            let mut instances = info.instances().iter();
            unknown.is_some() && instances.any(|one| one.constants.contains_key(&field.field.name))
        };
        for field in info.fields().iter().filter(|field| field.field.required && !may_be_given(field)) {
            check_required(&field.field, attributes, constants, &mut violations);
        }
        let aside: Vec<(String, Value)> =
            kept.iter().filter_map(|name| attributes.remove_entry(*name)).collect();
        let checked = self.check_present(info, attributes, &mut violations);
        attributes.extend(aside);
        checked?;
        violations.truncate(MAX_VIOLATIONS);
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// Checks what is there, whether or not anything that is required is missing.
    pub(super) fn check_present(
        &self,
        info: &TypeInfo,
        attributes: &mut Map,
        violations: &mut Vec<Violation>,
    ) -> Result<()> {
        let mut nulls: Vec<&str> = Vec::new();
        for field in info.fields() {
            match attributes.get_mut(&field.field.name) {
                None => {}
                Some(Value::Null) => nulls.push(&field.field.name),
                Some(value) => canonicalize(&field.field, value, violations),
            }
        }
        if info.fields().is_empty() && !info.is_strict() {
            return Ok(());
        }
        self.check_schema(info, attributes, &nulls, violations)
    }

    /// Runs the compiled schema. Nulls of declared fields mean no value, so they are set aside.
    fn check_schema(
        &self,
        info: &TypeInfo,
        attributes: &mut Map,
        nulls: &[&str],
        violations: &mut Vec<Violation>,
    ) -> Result<()> {
        let compiled = self.compiled.get_or_init(|| compile_type(info).ok()).as_ref().ok_or_else(|| {
            Error::internal(format!("the schema of type {} can not be compiled", info.name()))
        })?;
        for name in nulls {
            attributes.remove(*name);
        }
        let document = Value::Object(std::mem::take(attributes));
        if !compiled.is_valid(&document) {
            let known = violations.len();
            for error in compiled.iter_errors(&document).take(MAX_VIOLATIONS) {
                let at = format!("/attributes{}", error.instance_path().as_str());
                // A value that is not of its kind has been reported with better words.
                if !violations[..known].iter().any(|violation| covers(&violation.pointer, &at)) {
                    push_words(&error, &at, info.name(), violations);
                }
            }
        }
        if let Value::Object(map) = document {
            *attributes = map;
        }
        for name in nulls {
            attributes.insert((*name).to_owned(), Value::Null);
        }
        Ok(())
    }
}

fn pointer(name: &str) -> String {
    format!("/attributes/{}", escaped(name))
}

/// Whether `at` is the place of a violation or below it.
fn covers(pointer: &str, at: &str) -> bool {
    at.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_required(field: &Field, attributes: &Map, constants: &Map, violations: &mut Vec<Violation>) {
    let missing = match attributes.get(&field.name) {
        Some(value) => value.is_null(),
        None => constants.get(&field.name).is_none_or(Value::is_null),
    };
    if missing {
        violations.push(Violation::new(pointer(&field.name), "is required"));
    }
}

/// Brings a value, or each value of a list, to the canonical form of its kind, and checks what no schema can say.
fn canonicalize(field: &Field, value: &mut Value, violations: &mut Vec<Violation>) {
    if !field.multiple {
        if let Err(detail) = canonicalize_one(field, value) {
            violations.push(Violation::new(pointer(&field.name), detail));
        }
        return;
    }
    let Value::Array(values) = value else {
        violations.push(Violation::new(pointer(&field.name), "expected a list"));
        return;
    };
    for (position, value) in values.iter_mut().enumerate() {
        if let Err(detail) = canonicalize_one(field, value) {
            violations.push(Violation::new(format!("{}/{position}", pointer(&field.name)), detail));
        }
        if violations.len() >= MAX_VIOLATIONS {
            return;
        }
    }
}

fn canonicalize_one(field: &Field, value: &mut Value) -> Result<(), String> {
    formats::canonicalize(field.kind, value)?;
    // Bounds of numbers are in the schema.
    if !matches!(field.kind, FieldKind::Integer | FieldKind::Number) {
        let outside = |bound: &Option<Value>, side| {
            bound.as_ref().filter(|bound| formats::compare(field.kind, value, bound) == Some(side)).cloned()
        };
        if let Some(min) = outside(&field.min, std::cmp::Ordering::Less) {
            return Err(format!("must be at least {}", plain(&min)));
        }
        if let Some(max) = outside(&field.max, std::cmp::Ordering::Greater) {
            return Err(format!("must be at most {}", plain(&max)));
        }
    }
    if field.kind == FieldKind::Decimal {
        check_digits(field, value.as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn check_digits(field: &Field, canonical: &str) -> Result<(), String> {
    let (whole, fraction) = formats::decimal::digits(canonical);
    if let Some(scale) = field.scale.filter(|scale| fraction > *scale as usize) {
        return Err(format!("has {fraction} digits behind the point, at most {scale} are allowed"));
    }
    let Some(precision) = field.precision else { return Ok(()) };
    // As in SQL: the digits of the scale are reserved.
    let room = precision.saturating_sub(field.scale.unwrap_or(0)) as usize;
    if whole > room || whole + fraction > precision as usize {
        return Err(format!("has more than {precision} digits ({room} before the point)"));
    }
    Ok(())
}

/// Checks one value, as for a default or constant; brings it to its canonical form.
pub(super) fn check_value(info: &FieldInfo, value: &mut Value) -> Vec<String> {
    let mut violations = Vec::new();
    canonicalize(&info.field, value, &mut violations);
    if violations.is_empty() {
        match compile(&schema::of_present(info)) {
            Ok(compiled) => {
                for error in compiled.iter_errors(value).take(MAX_VIOLATIONS) {
                    push_words(&error, error.instance_path().as_str(), "", &mut violations);
                }
            }
            // The declaration is reported by its own check.
            Err(_) => return Vec::new(),
        }
    }
    violations.into_iter().map(|violation| violation.detail).collect()
}

/// What the rules of a declaration weigh; says why when its pattern or schema can not be compiled.
pub(super) fn weigh(field: &Field) -> Result<usize, String> {
    let mut schema_weight = 0;
    if let Some(schema) = &field.schema {
        schema_weight = schema_bounds::check(schema).map_err(|detail| format!("schema {detail}"))?;
        compile(schema).map_err(|error| format!("schema is no JSON Schema (2020-12): {error}"))?;
    }
    weight::of_field(field, schema_weight)
}

/// Whether a pattern can be compiled to a program of at most `size` bytes.
pub(super) fn compiles(pattern: &str, size: usize) -> bool {
    compile_within(&json!({"pattern": pattern}), size).is_ok()
}

fn compile_type(info: &TypeInfo) -> Result<jsonschema::Validator, String> {
    let properties: Map =
        info.fields().iter().map(|info| (info.field.name.clone(), schema::of_present(info))).collect();
    let mut schema = json!({"properties": properties});
    if info.is_strict() {
        schema["additionalProperties"] = json!(false);
    }
    compile(&schema)
}

/// Patterns run in linear time and bounded memory; nothing is fetched from elsewhere.
fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
    compile_within(schema, MAX_PATTERN)
}

fn compile_within(schema: &Value, size: usize) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(size).dfa_size_limit(MAX_STATES))
        .should_validate_formats(false)
        .offline()
        .build(schema)
        .map_err(|error| error.masked().to_string())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Says in plain words what the schema found. Values are not repeated: they may be confidential.
fn push_words(error: &ValidationError<'_>, at: &str, type_name: &str, violations: &mut Vec<Violation>) {
    use ValidationErrorKind as Kind;
    let detail = match error.kind() {
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::Minimum { limit } => format!("must be at least {}", plain(limit)),
        Kind::Maximum { limit } => format!("must be at most {}", plain(limit)),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::Pattern { pattern } => format!("does not match the pattern {pattern}"),
        Kind::Enum { options } => {
            let names: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
            format!("expected one of {}", names.join(", "))
        }
        Kind::Type { kind: TypeKind::Single(kind) } => format!("expected {kind}"),
        Kind::Required { property } => {
            let at = format!("{at}/{}", escaped(property.as_str().unwrap_or_default()));
            violations.push(Violation::new(at, "is required"));
            return;
        }
        Kind::AdditionalProperties { unexpected } => {
            let owner =
                if at == "/attributes" { format!("type {type_name}") } else { "the schema".to_owned() };
            violations.extend(unexpected.iter().map(|key| {
                Violation::new(format!("{at}/{}", escaped(key)), format!("is not declared by {owner}"))
            }));
            return;
        }
        _ => error.masked().to_string(),
    };
    violations.push(Violation::new(at, detail));
}
