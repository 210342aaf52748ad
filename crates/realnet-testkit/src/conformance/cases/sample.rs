//! Items with values of every kind of field: indexed, not indexed and undeclared.

use realnet_core::Uuid;
use serde_json::{Map, Value, json};

use crate::conformance::{Draft, Snapshot, World, item};

/// A kind of field with values for items, and texts to compare them with in filters.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) values: Vec<Value>,
    pub(super) probes: Vec<String>,
    /// Whether text patterns apply.
    pub(super) text: bool,
}

fn kind<const V: usize, const P: usize>(
    name: &'static str,
    text: bool,
    values: [Value; V],
    probes: [&str; P],
) -> Kind {
    Kind { name, values: values.into(), probes: probes.map(str::to_owned).into(), text }
}

/// All kinds of single values that can be compared.
pub(super) fn kinds() -> Vec<Kind> {
    let id = |number: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number).to_string();
    let mut kinds = texts();
    kinds.extend(numbers());
    kinds.extend(times());
    kinds.push(kind("uuid", false, [json!(id(1)), json!(id(2)), json!(id(255))], [&id(1), &id(3)]));
    kinds.push(kind("boolean", false, [json!(true), json!(false)], ["true", "false"]));
    kinds.push(kind("enum", false, [json!("low"), json!("mid"), json!("high")], ["low", "mid"]));
    kinds
}

fn texts() -> Vec<Kind> {
    let values = || {
        [
            "",
            "a",
            "B",
            "b",
            "zeta",
            "Ä",
            "a\u{301}",
            "á",
            "100%",
            "a_b",
            r"back\slash",
            "O'Brien; DROP",
            "\u{1D4B3}",
        ]
        .map(Value::from)
    };
    vec![
        kind("string", true, values(), ["a", "B", "á", "100%", "O'Brien; DROP"]),
        kind("text", true, values(), ["a", "zeta"]),
        kind("email", true, [json!("a@example.com"), json!("b@example.org")], ["a@example.com", "b"]),
        kind(
            "url",
            true,
            [json!("https://a.example/x"), json!("http://b.example/")],
            ["http://b.example/", "https"],
        ),
        kind("slug", true, [json!("a"), json!("a-b"), json!("b2")], ["a", "b2"]),
    ]
}

fn numbers() -> Vec<Kind> {
    let integers = [-9_007_199_254_740_991_i64, -10, -1, 0, 1, 2, 10, 9_007_199_254_740_991];
    let numbers = [-1.7e308, -2.5, -0.1, 0.0, 5e-324, 0.1, 3.0, 1e21, 1.7e308];
    let decimals = ["-10.5", "-0.25", "0", "9.5", "10", "12345678901234567890.123456789", "0.1"];
    vec![
        kind("integer", false, integers.map(Value::from), ["0", "-1", "10", "9007199254740991"]),
        kind("number", false, numbers.map(Value::from), ["0", "0.1", "-2.5", "1e21"]),
        kind(
            "decimal",
            false,
            decimals.map(Value::from),
            ["9.5", "10.0", "-0.25", "12345678901234567890.123456788"],
        ),
    ]
}

fn times() -> Vec<Kind> {
    let dates = ["1969-12-31", "2000-02-29", "2026-01-01", "0001-01-01"];
    let moments = ["2026-01-01T00:00:00Z", "2026-01-01T02:00:00.000001+02:00", "1969-12-31T23:59:59.5Z"];
    let times = ["00:00:00", "12:30:00.5", "23:59:59"];
    let durations = ["PT15M", "P1D", "PT90M", "P1Y2M3DT4H5M6S"];
    vec![
        kind("date", false, dates.map(Value::from), ["2000-02-29", "1970-01-01"]),
        kind(
            "datetime",
            false,
            moments.map(Value::from),
            ["2026-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"],
        ),
        kind("time", false, times.map(Value::from), ["12:30:00.5", "13:00:00"]),
        kind("duration", false, durations.map(Value::from), ["PT15M", "P1D"]),
    ]
}

/// How many sample items there are.
const COUNT: usize = 36;

/// Fills the world with samples of all levels and an instance, with every kind of value, nulls and gaps.
pub(crate) async fn fill(world: &World) -> Snapshot {
    let alice = world.acme.alice.clone();
    let targets = ["alpha", "beta", "gamma"].map(|name| item("Target").name(name).attr("weight", name.len()));
    let targets: Vec<Uuid> =
        world.create_all(&alice, targets.into()).await.into_iter().map(|item| item.id).collect();
    let kinds = kinds();
    let drafts = (0..COUNT).map(|index| sample(index, &kinds, &targets)).collect();
    world.create_all(&alice, drafts).await;
    let notes = (0..3).map(|index| item("Note").name(format!("not a sample {index}"))).collect();
    world.create_all(&alice, notes).await;
    world.snapshot().await
}

fn sample(index: usize, kinds: &[Kind], targets: &[Uuid]) -> Draft {
    let mut draft = match index % 6 {
        0 | 1 => item("Sample"),
        2 => item("Sample").instance("Preset"),
        3 | 4 => item("MiddleSample"),
        _ => item("LeafSample"),
    };
    draft = draft.name(format!("s{:02}", index * 7 % COUNT));
    draft = draft.status(["open", "closed", "Open"][index % 3]);
    for (position, kind) in kinds.iter().enumerate() {
        for suffix in ["", "_i", "_u"] {
            // Some absent, some null, the rest in turn; the three variants agree.
            let value = match (index * 5 + position) % 8 {
                0 => continue,
                1 => Value::Null,
                _ => kind.values[(index * 3 + position + index / 7) % kind.values.len()].clone(),
            };
            draft = draft.attr(&format!("{}{suffix}", kind.name), value);
        }
    }
    lists(draft, index, targets)
}

fn lists(draft: Draft, index: usize, targets: &[Uuid]) -> Draft {
    let strings = match index % 5 {
        0 => json!([]),
        1 => json!(["a"]),
        2 => json!(["a", "b", "a"]),
        3 => json!(["B", "%", "á"]),
        _ => json!(["b", "", "zeta"]),
    };
    let integers = match index % 4 {
        0 => json!([1, 2, 3]),
        1 => json!([]),
        2 => json!([3, -1]),
        _ => json!([10]),
    };
    let mut draft = draft;
    if !index.is_multiple_of(7) {
        for (name, value) in [("strings", strings), ("integers", integers)] {
            draft = draft.attr(name, value.clone()).attr(&format!("{name}_i"), value.clone());
            draft = draft.attr(&format!("{name}_u"), value);
        }
    }
    if index.is_multiple_of(2) {
        draft = draft.attr("reference", targets[index % targets.len()].to_string());
    }
    if index.is_multiple_of(3) {
        draft = draft.attr("references", json!([targets[0], targets[index % targets.len()]]));
    }
    draft.attr("json", nested(index)).attr("json_u", nested(index))
}

fn nested(index: usize) -> Value {
    let mut object = Map::new();
    object.insert("n".to_owned(), json!(index % 5));
    object.insert("deep".to_owned(), json!({"text": format!("t{}", index % 4), "list": [index % 3, "x"]}));
    if index.is_multiple_of(3) {
        object.insert("odd key".to_owned(), json!(true));
    }
    Value::Object(object)
}
