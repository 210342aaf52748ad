//! How deep texts are found to be nested, beside what the parser makes of them.

use serde_json::Value;

use super::depth::{SHORT, beyond};
use super::read;

/// What is put together: signs where the parser decides by what stands around them.
const PIECES: [&str; 46] = [
    "[", "]", "{", "}", ",", ": ", ":", "- ", "-", "? ", "#", " #", " ", "  ", "\n", "\n ", "\n  ", "\n- ",
    "'", "\"", "|\n", ">-\n", ">2\n", "&a ", "*a", "!!str ", "!x", "\\", "a", "b", "1", "a: ", "\nb: ",
    "\nc:\n  ", "---", "\t", "\r\n", "\u{85}", "é", "''", "\\\"", "[a, ", "{a: ", "it's", "\n\n", "]\n",
];

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// So long that it is looked through.
fn long(text: &str) -> String {
    format!("# {}\n{text}", "x".repeat(SHORT))
}

#[test]
fn nothing_is_refused_that_the_parser_takes() {
    let mut state = 7_u64;
    let mut below = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let mut taken = 0;
    for _ in 0..4000 {
        let text: String = (0..=below(14)).map(|_| PIECES[below(PIECES.len())]).collect();
        let text = long(&text);
        let Ok(value) = read::read(text.as_bytes()) else { continue };
        taken += 1;
        assert_eq!(beyond(&text, depth(&value)), None, "{:?}", &text[SHORT..]);
    }
    assert!(taken > 200, "{taken}");
}

#[test]
fn brackets_count_where_they_are_none_of_a_text() {
    for (text, levels) in [
        ("a: [[b, {c: [d]}]]", 5),
        ("- - - a", 3),
        ("a:\n  b:\n    - c: [1]", 5),
        ("a: '[[[['\nb: \"[[\\\"[[\"\nc: it's [[[\nd: x # [[[", 1),
        ("a: |\n  [[[[\n   [[[\nb: >1-\n [[\nc: [d]", 2),
        ("a: two\n  lines [[[ '[\nb: [it's, ']]', 'it''s ]', c]", 2),
        ("[a#[, b] # [[[\n", 2),
        ("&x [*y , !!str '[', !<[[> 1]", 1),
    ] {
        let text = long(text);
        assert!(beyond(&text, levels).is_none() && beyond(&text, levels - 1).is_some(), "{text}");
    }
}

#[test]
fn deep_texts_are_refused_at_once_and_with_their_place() {
    let begun = std::time::Instant::now();
    for (text, column) in [
        ("[".repeat(300_000), 65),
        ("{".repeat(300_000), 65),
        ("[a: ".repeat(100_000), 257),
        ("- ".repeat(300_000), 129),
        ("[ '[', \"[\", b, ".repeat(100_000), 961),
    ] {
        let fault = read::read(text.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.line, fault.column, fault.message.as_str()),
            (1, column, "nested deeper than 64 levels")
        );
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    // As many, none within another.
    let text = format!("[{}]", "[a], ".repeat(2000));
    assert!(read::read(text.as_bytes()).is_ok());
}
