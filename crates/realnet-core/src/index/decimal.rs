//! Exact decimals: read from text, compared by value whatever their length, written as sortable bytes.

/// A decimal number `±0.d₁d₂… × 10^exponent` without leading or trailing zeros; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decimal {
    negative: bool,
    exponent: i32,
    /// Values 0 to 9, most significant first.
    digits: Vec<u8>,
}

/// Exponents beyond this are refused: nobody counts so far, and plain notation would not end.
const MAX_EXPONENT: i32 = 10_000;

impl Decimal {
    /// Reads `-12.50`, `.5` or `1e-3`; `None` when it is not a decimal number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { negative: false, exponent: 0, digits });
        }
        let point = i32::try_from(whole.len()).ok()? - i32::try_from(leading).ok()?;
        let exponent = point.checked_add(power).filter(|exponent| exponent.abs() <= MAX_EXPONENT)?;
        Some(Self { negative, exponent, digits })
    }

    /// Whether it is zero, however that was written.
    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Appends bytes that sort as the numbers do, none of which is a prefix of another.
    pub(crate) fn write_key(&self, key: &mut Vec<u8>) {
        if self.digits.is_empty() {
            key.push(0x80);
            return;
        }
        key.push(if self.negative { 0x7f } else { 0x81 });
        let start = key.len();
        key.extend_from_slice(&((self.exponent as u32) ^ 0x8000_0000).to_be_bytes());
        key.extend(self.digits.iter().map(|digit| digit + 1));
        key.push(0);
        if self.negative {
            key[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        Decimal::parse(text).unwrap().write_key(&mut key);
        key
    }

    #[test]
    fn keys_sort_by_value() {
        let sorted = [
            "-1e5",
            "-100.5",
            "-100",
            "-99.999",
            "-1",
            "-0.10",
            "-0.01",
            "0",
            "1e-9",
            "0.01",
            "0.010000001",
            "0.1",
            "1",
            "1.0000000000000000000000000001",
            "2",
            "10",
            "10.5",
            "99",
            "100",
            "123456789012345678901234567890",
        ];
        assert!(sorted.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
    }

    #[test]
    fn equal_values_have_one_key() {
        for same in [
            ["1.50", "+1.5", "15e-1", "001.5000"],
            ["0", "-0.00", "0e5", ".0"],
            ["1200", "1.2e3", "1200.", "01200.0"],
            ["-0.05", "-.05", "-5e-2", "-0.050"],
        ] {
            assert!(same.iter().all(|text| key(text) == key(same[0])), "{same:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for bad in ["", "-", ".", "1,5", "1.2.3", "e5", "NaN", "0x10", "1e", "1e99999", "--1", "1 "] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }
}
