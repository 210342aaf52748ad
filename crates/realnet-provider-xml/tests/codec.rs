//! Every value comes back as it was, and fits the schema; what is no document, or more than it seems, is refused with its place.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fmt::Write as _;
use std::process::Command;

use realnet_provider_generic::Codec as _;
use realnet_provider_xml::{SCHEMA, XmlCodec};
use serde_json::json;

#[test]
fn every_value_comes_back() {
    realnet_testkit::codec::expect_round_trips(
        |value| XmlCodec.encode(value),
        |text| XmlCodec.decode(text.as_bytes()).map_err(|fault| fault.to_string()),
    );
    let nul = json!({"\0": ["\0", "a\0b"]});
    assert_eq!(XmlCodec.decode(XmlCodec.encode(&nul).unwrap().as_bytes()), Ok(nul));
}

fn whole(inner: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<object xmlns=\"urn:realnet:document\">\n{inner}\n</object>\n")
}

#[test]
fn what_people_write_is_read() {
    let text = whole(
        "<!-- a comment -->\n<string key='a'>x<![CDATA[<&]]>&lt;&#65;&#x42;</string><?other thing?>\n<number key='n'> 1 </number>\n<null key='z'></null>",
    );
    assert_eq!(XmlCodec.decode(text.as_bytes()), Ok(json!({"a": "x<&<AB", "n": 1, "z": null})));
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let deep = format!("<list xmlns=\"urn:realnet:document\">{}", "<list>".repeat(100_000));
    for (text, line, words) in [
        (String::new(), 1, "no element"),
        ("<object/>".to_owned(), 1, "xmlns"),
        (whole("<string key='a'>1</string>\n<string key='a'>2</string>"), 4, "twice"),
        (whole("<string>1</string>"), 3, "has a key"),
        (whole("<list key='l'>\n<null key='x'/></list>"), 4, "only members"),
        (whole("<text key='a'/>"), 3, "not known"),
        (whole("<string key='a' lang='de'>x</string>"), 3, "lang"),
        (whole("<number key='a'>0x10</number>"), 3, "number"),
        (whole("<number key='a'>NaN</number>"), 3, "number"),
        (whole("<boolean key='a'>1</boolean>"), 3, "true or false"),
        (whole("<null key='a'>0</null>"), 3, "nothing"),
        (whole("<string key='a' encoding='base64'>=</string>"), 3, "base64"),
        (whole("<string key='a'><null/></string>"), 3, "text"),
        (whole("<string key='a'>&#1;</string>"), 3, "character"),
        (whole("<string key='&#1;'>x</string>"), 3, "character"),
        (whole("<string key='a'>&thing;</string>"), 3, "entity"),
        (whole("text"), 3, "element"),
        (whole("<string key='a'>\n</strin>"), 4, ""),
        ("<?xml version=\"1.0\" encoding=\"latin1\"?><null/>".to_owned(), 1, "UTF-8"),
        (format!("{}<null/>", whole("")), 5, "more than one"),
        (deep, 1, "deeper"),
        ("<list xmlns=\"urn:realnet:document\">".to_owned(), 1, ""),
    ] {
        let fault = XmlCodec.decode(text.as_bytes()).expect_err(&text);
        assert!(fault.message.contains(words), "{text}: {fault}");
        assert_eq!(fault.line, line, "{text}: {fault}");
    }
    assert!(XmlCodec.decode(b"<null xmlns='urn:realnet:document'>\xff</null>").is_err());
    assert!(XmlCodec.decode("<null xmlns='urn:realnet:document'>\u{1}</null>".as_bytes()).is_err());
}

#[test]
fn nothing_is_expanded() {
    let mut bomb = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE object [\n<!ENTITY a0 \"x\">\n");
    for level in 1..12 {
        let before = format!("&a{};", level - 1);
        writeln!(bomb, "<!ENTITY a{level} \"{}\">", before.repeat(10)).unwrap();
    }
    bomb.push_str("]>\n<string xmlns=\"urn:realnet:document\">&a11;</string>");
    let fault = XmlCodec.decode(bomb.as_bytes()).unwrap_err();
    assert!(fault.message.contains("document type") && fault.line == 2, "{fault}");
    let file = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><null xmlns=\"urn:realnet:document\"/>";
    assert!(XmlCodec.decode(file.as_bytes()).unwrap_err().message.contains("document type"));
}

/// What xmllint says of a text; whether it fits the schema.
fn fits(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let (schema, document) = (folder.path().join("document.xsd"), folder.path().join("document.xml"));
    std::fs::write(&schema, SCHEMA).unwrap();
    std::fs::write(&document, text).unwrap();
    let output =
        Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(schema).arg(document).output();
    let output =
        output.expect("xmllint is installed (the package libxml2-utils; `cargo xtask test` installs it)");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_schema_describes_what_is_written_and_no_more() {
    let value = json!({
        "id": "x", "": " ", "\u{1}": "\u{1}", "n": [0, -1.5, 1e300, 5e-324], "f": [true, false, null], "o": {"p": {"q": [[], {}, ""]}, "\r\n\t\"<&": "\r"}
    });
    for value in [value, json!([]), json!("text"), json!(1), json!(null), json!(false)] {
        let (is_valid, said) = fits(&XmlCodec.encode(&value).unwrap());
        assert!(is_valid, "{value}: {said}");
    }
    for wrong in [
        "<string key='a' lang='de'>x</string>",
        "<number key='a'>0x10</number>",
        "<boolean key='a'>1</boolean>",
        "<null key='a'>0</null>",
        "<text key='a'/>",
        "<list key='a'><null key='b'/></list>",
        "<null key='a'/><null key='a'/>",
        "<string key='a' encoding='hex'>00</string>",
    ] {
        let (is_valid, _) = fits(&whole(wrong));
        assert!(!is_valid && XmlCodec.decode(whole(wrong).as_bytes()).is_err(), "{wrong}");
    }
}
