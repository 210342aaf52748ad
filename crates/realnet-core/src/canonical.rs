//! The canonical JSON text of a value, by RFC 8785: the same bytes for the same value, whoever writes them.
//!
//! Members are sorted by the UTF-16 code units of their names, text is escaped no more than it must be, and numbers are
//! written as ECMAScript does. In one thing it is stricter: whole numbers that no double holds exactly keep all their digits,
//! where the RFC would let different ones become the same.
//!
//! It stands below requests: what stores hold is compared and kept by it ([`crate::transfer`]).

use std::fmt::Write as _;

use serde_json::{Number, Value};

use crate::model::Map;

/// The canonical text of a value.
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Adds the canonical text of a value to `text`.
pub fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        Value::Object(map) => write_object(map, text),
    }
}

fn write_object(map: &Map, text: &mut String) {
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    text.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            // Writing to a string does not fail.
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
}

fn write_number(number: &Number, text: &mut String) {
    match number.as_f64() {
        Some(double) if number.is_f64() => write_double(double, text),
        // Whole numbers of 64 bits.
        _ => {
            let _ = write!(text, "{number}");
        }
    }
}

/// `Number::toString` of ECMAScript. Rust gives the same digits, the fewest that tell the double; where the point and the
/// exponent stand is decided here.
fn write_double(double: f64, text: &mut String) {
    if double == 0.0 {
        // Of the negative zero, too.
        text.push('0');
        return;
    }
    if double < 0.0 {
        text.push('-');
    }
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|letter| *letter != '.').collect();
    // The place of the point, counted from before the first digit.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let count = digits.len() as i32;
    match point {
        1..=21 if point >= count => {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', (point - count) as usize));
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            let _ = write!(text, "{whole}.{fraction}");
        }
        -5..=0 => {
            text.push_str("0.");
            text.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
            text.push_str(&digits);
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let _ = write!(text, "{first}{dot}{rest}e{:+}", point - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let value: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        assert_eq!(
            to_text(&value),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    /// The table of the RFC's appendix B, by the bits of the doubles.
    #[test]
    fn numbers_are_those_of_ecmascript() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(to_text(&json!(f64::from_bits(bits))), expected);
        }
        assert_eq!(to_text(&json!(u64::MAX)), "18446744073709551615");
        assert_eq!(to_text(&json!(i64::MIN)), "-9223372036854775808");
        assert_eq!(to_text(&json!(9_007_199_254_740_993_i64)), "9007199254740993");
    }

    #[test]
    fn names_sort_by_utf_16() {
        let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
        let map: Map = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        let text = to_text(&Value::Object(map));
        let sorted: Vec<usize> = ["\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"]
            .iter()
            .map(|name| text.find(&format!("\"{name}\":")).unwrap())
            .collect();
        assert!(sorted.is_sorted(), "{text}");
    }

    proptest! {
        #[test]
        fn doubles_are_read_back(double in any::<f64>().prop_filter("JSON has no others", |d| d.is_finite())) {
            let text = to_text(&json!(double));
            let read: f64 = text.parse().unwrap();
            prop_assert_eq!(read.to_bits(), if double == 0.0 { 0 } else { double.to_bits() });
        }

        #[test]
        fn text_is_read_back(string in any::<String>()) {
            let value = json!({string.clone(): string});
            prop_assert_eq!(serde_json::from_str::<Value>(&to_text(&value)).unwrap(), value);
        }
    }
}
