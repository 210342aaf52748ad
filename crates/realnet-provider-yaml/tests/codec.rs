//! Every value comes back as it was; what is no document, or more than it seems, is refused with its place.

use std::fmt::Write as _;

use realnet_provider_generic::Codec as _;
use realnet_provider_yaml::YamlCodec;
use serde_json::json;

#[test]
fn every_value_comes_back() {
    realnet_testkit::codec::expect_round_trips(
        |value| YamlCodec.encode(value),
        |text| YamlCodec.decode(text.as_bytes()).map_err(|fault| fault.to_string()),
    );
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    for (text, line, words) in [
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("x:\n- b: 1\n  c: 2\n  'b' : 3\n", 4, "twice"),
        ("a: 1\n b: [\n", 2, ""),
        ("a: .nan\n", 1, "JSON"),
        ("a: 1\n--- \nb: 2\n", 0, "more than one document"),
        ("a: !thing 1\n", 1, ""),
        ("? [1, 2]\n: 3\n", 1, ""),
    ] {
        let fault = YamlCodec.decode(text.as_bytes()).expect_err(text);
        assert_eq!(fault.line, line, "{text}: {fault}");
        assert!(fault.message.contains(words), "{text}: {fault}");
    }
    assert_eq!(YamlCodec.decode(b"a: \xff").unwrap_err().line, 1);
}

#[test]
fn nothing_grows_beyond_its_text() {
    // Each line is ten of the line before.
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![before; 10].join(", ")).unwrap();
    }
    let begun = std::time::Instant::now();
    let fault = YamlCodec.decode(bomb.as_bytes()).unwrap_err();
    assert!(fault.message.contains("aliases") || fault.message.contains("repetition"), "{fault}");
    assert!(begun.elapsed().as_secs() < 5);

    let long = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(10_000), vec!["*a"; 50].join(", "));
    assert!(YamlCodec.decode(long.as_bytes()).unwrap_err().message.contains("aliases"));
    let few = "a: &a {b: 1}\nc: *a\n";
    assert_eq!(YamlCodec.decode(few.as_bytes()), Ok(json!({"a": {"b": 1}, "c": {"b": 1}})));

    for deep in ["[".repeat(100_000), "- ".repeat(100_000), format!("{}1{}", "[".repeat(70), "]".repeat(70))]
    {
        assert!(YamlCodec.decode(deep.as_bytes()).is_err());
    }
}

#[test]
fn a_document_is_for_people() {
    let value = json!({
        "id": "x", "name": "Acme", "attributes": {"note": "two\nlines\n", "on": "yes", "list": [{"b": 1, "name": "n"}]}
    });
    let text = YamlCodec.encode(&value).unwrap();
    let expected = "id: x\nname: Acme\nattributes:\n  list:\n  - name: 'n'\n    b: 1\n  note: |\n    two\n    lines\n  'on': 'yes'\n";
    assert_eq!(text, expected);
}

#[test]
fn what_older_tools_take_for_something_else_is_in_quotes() {
    let value = json!({
        "a": ["No", "OFF", "y", "2026-11-23", "2026-11-23T10:00:00.5Z", "12:30:00", "1_000", "+49 30 1", "<<"],
        "b": ["non", "yes!", "a: no", "no\nyes\n", "v1", "1a", "!0:no", "'no'", "-", "."],
        "no": {"name": "n", "x": "z", "on": 1}, "z": null,
    });
    let text = YamlCodec.encode(&value).unwrap();
    let expected = "\
a:
- 'No'
- 'OFF'
- 'y'
- '2026-11-23'
- '2026-11-23T10:00:00.5Z'
- '12:30:00'
- '1_000'
- '+49 30 1'
- '<<'
b:
- non
- yes!
- 'a: no'
- |
  no
  yes
- v1
- 1a
- '!0:no'
- '''no'''
- '-'
- .
'no':
  name: 'n'
  'on': 1
  x: z
z: null
";
    assert_eq!(text, expected);
    assert_eq!(YamlCodec.decode(text.as_bytes()), Ok(value));
}
