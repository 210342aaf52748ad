//! What every format of documents must do: give back any JSON value as it was, in one form.

use std::fmt::Display;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Number, Value, json};

/// How many values are made up.
const CASES: u32 = 400;

/// Sees that values come back as they were, and have one text each: those that formats trip over, and made-up ones.
///
/// # Panics
/// When one does not.
pub fn expect_round_trips<E: Display>(
    encode: impl Fn(&Value) -> Result<String, E>,
    decode: impl Fn(&str) -> Result<Value, String>,
) {
    let check = |value: &Value| -> Result<(), String> {
        let text = encode(value).map_err(|error| format!("{value} has no text: {error}"))?;
        let back = decode(&text).map_err(|error| format!("{value} as\n{text}\nis not read: {error}"))?;
        if back != *value {
            return Err(format!("{value} as\n{text}\ncomes back as {back}"));
        }
        let again = encode(&back).map_err(|error| error.to_string())?;
        if again == text { Ok(()) } else { Err(format!("{value} has two texts:\n{text}\n{again}")) }
    };
    for value in difficult() {
        let checked = check(&value);
        assert!(checked.is_ok(), "{}", checked.err().unwrap_or_default());
    }
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let made_up = runner.run(&values(), |value| check(&value).map_err(TestCaseError::fail));
    assert!(made_up.is_ok(), "{}", made_up.err().map(|problem| problem.to_string()).unwrap_or_default());
}

/// Texts that are something else somewhere, and all characters that there are.
fn difficult() -> Vec<Value> {
    let words = [
        "",
        " ",
        "  two  ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "a\n",
        "\na",
        "a\n\n b\n",
        " a",
        "a ",
        "null",
        "~",
        "true",
        "Yes",
        "no",
        "0x1F",
        "1e3",
        "1_000",
        ".inf",
        "-",
        "---",
        "...",
        "- a",
        "a: b",
        "a #b",
        "#",
        "!tag",
        "&a",
        "*a",
        "%a",
        "@a",
        "`a`",
        "'",
        "\"",
        "\\",
        "\\n",
        "[",
        "{}",
        "<",
        ">",
        "&amp;",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- -->",
        "2026-01-31",
        "12:30:45",
        "?",
        "|",
        ">-",
        "=",
        "<<",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{a0}",
        "\u{7f}",
        "\u{1}",
        "\u{b}",
        "\u{1f}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "é",
        "e\u{301}",
    ];
    let mut values: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    values.extend(words.iter().map(|word| json!({ *word: [word, { *word: word }] })));
    values.extend([
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!([[], [[]], {}, [null], ""]),
        json!({"a": {}, "b": [], "c": null, "d": "", "e": {"f": {"g": [[1], [2, [3]]]}}}),
        json!([
            0,
            -1,
            i64::MIN,
            i64::MAX,
            u64::MAX,
            0.5,
            -0.1,
            1e300,
            5e-324,
            f64::MAX,
            9_007_199_254_740_993_i64
        ]),
    ]);
    // Every character in one text or another.
    let all: Vec<char> = ('\u{1}'..=char::MAX)
        .filter(|character| *character < '\u{3000}' || u32::from(*character) % 251 == 0)
        .collect();
    values.extend(all.chunks(997).map(|part| json!(part.iter().collect::<String>())));
    values.push((0..60).fold(json!("deep"), |inner, level| {
        if level % 2 == 0 { json!([inner]) } else { json!({"in": inner}) }
    }));
    values
}

fn values() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has it", |float| {
            // Whole numbers have the form of integers in all that is stored.
            Number::from_f64(float).filter(|_| float.fract() != 0.0).map(Value::Number)
        }),
    ];
    let text = || {
        let characters = prop_oneof![
            4 => proptest::char::range(' ', '~'),
            1 => proptest::char::range('\u{1}', '\u{ff}'),
            1 => any::<char>().prop_filter("no store has it", |character| *character != '\0'),
        ];
        proptest::collection::vec(characters, 0..12)
            .prop_map(|characters| characters.into_iter().collect::<String>())
    };
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        text().prop_map(Value::String)
    ];
    scalar.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((text(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}
