//! Exact decimals as text: canonical form, digits and order, without a limit of precision.

use std::cmp::Ordering;

/// The most digits that a decimal may have.
const MAX_DIGITS: usize = 1000;

/// Plain form without exponent, plus sign, leading or trailing zeros; `-0` is `0`.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || digits.len() > MAX_DIGITS {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let mut plain = String::with_capacity(text.len());
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        plain.push('-');
    }
    plain.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    Some(plain)
}

/// Digits before and behind the point of a canonical decimal; a lone zero before it does not count.
pub(crate) fn digits(canonical: &str) -> (usize, usize) {
    let unsigned = canonical.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    (if whole == "0" { 0 } else { whole.len() }, fraction.len())
}

/// The order of two canonical decimals.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (Some(left), Some(right)) => compare_unsigned(right, left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => compare_unsigned(left, right),
    }
}

fn compare_unsigned(left: &str, right: &str) -> Ordering {
    let split =
        |text: &str| text.split_once('.').map_or((text.len(), ""), |(whole, rest)| (whole.len(), rest)).0;
    split(left).cmp(&split(right)).then_with(|| left.cmp(right))
}
