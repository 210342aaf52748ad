//! Writing: one element for each value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_provider_generic::ordered;
use serde_json::Value;

use crate::{BASE64, BASE64_KEY, KEY, NAMESPACE};

/// The document of a value.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    element(value, &format!(" xmlns=\"{NAMESPACE}\""), 0, &mut text);
    text
}

fn element(value: &Value, attributes: &str, depth: usize, text: &mut String) {
    indent(depth, text);
    match value {
        Value::Null => push(text, &["<null", attributes, "/>\n"]),
        Value::Bool(flag) => scalar("boolean", attributes, if *flag { "true" } else { "false" }, text),
        Value::Number(number) => scalar("number", attributes, &number.to_string(), text),
        Value::String(content) if is_writable(content) => {
            scalar("string", attributes, &escaped(content), text);
        }
        Value::String(content) => {
            let attributes = format!("{attributes} encoding=\"{BASE64}\"");
            scalar("string", &attributes, &STANDARD.encode(content), text);
        }
        Value::Array(values) if values.is_empty() => push(text, &["<list", attributes, "/>\n"]),
        Value::Array(values) => {
            push(text, &["<list", attributes, ">\n"]);
            for value in values {
                element(value, "", depth + 1, text);
            }
            indent(depth, text);
            text.push_str("</list>\n");
        }
        Value::Object(members) if members.is_empty() => push(text, &["<object", attributes, "/>\n"]),
        Value::Object(members) => {
            push(text, &["<object", attributes, ">\n"]);
            for (key, value) in ordered(members) {
                element(value, &key_attribute(key), depth + 1, text);
            }
            indent(depth, text);
            text.push_str("</object>\n");
        }
    }
}

fn scalar(name: &str, attributes: &str, content: &str, text: &mut String) {
    push(text, &["<", name, attributes, ">", content, "</", name, ">\n"]);
}

fn push(text: &mut String, parts: &[&str]) {
    text.extend(parts.iter().copied());
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn key_attribute(key: &str) -> String {
    if !is_writable(key) {
        return format!(" {BASE64_KEY}=\"{}\"", STANDARD.encode(key));
    }
    // White space but the space itself is made spaces where an attribute is read, unless it is written by its number.
    let value = escaped(key).replace('"', "&quot;").replace('\t', "&#9;").replace('\n', "&#10;");
    format!(" {KEY}=\"{value}\"")
}

/// Line ends are made line feeds where a text is read, unless a carriage return is written by its number.
fn escaped(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    for character in content.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\r' => text.push_str("&#13;"),
            other => text.push(other),
        }
    }
    text
}

/// Whether XML has all characters of a text.
fn is_writable(content: &str) -> bool {
    content.chars().all(crate::read::is_character)
}
