//! Exact sums of decimal numbers of any size: no order of the items, and no store, gives another one.

use std::str::FromStr as _;

use bigdecimal::{BigDecimal, Zero as _};

use crate::index::Decimal;

/// The longest text that is read as a number: longer than any that is stored, or that a database adds up of those.
const MAX_TEXT: usize = 4096;

/// A sum in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    /// What came as integers.
    whole: i128,
    /// All else.
    rest: BigDecimal,
}

impl Sum {
    /// Adds a number, so many times. Text that is no number adds nothing.
    pub(super) fn add(&mut self, text: &str, times: u64) {
        if let Ok(value) = text.parse::<i64>() {
            self.add_integer(value, times);
        } else if let Some(value) = read(text) {
            self.rest += value * BigDecimal::from(times);
        }
    }

    /// Adds an integer, so many times.
    pub(super) fn add_integer(&mut self, value: i64, times: u64) {
        // The product of the two extremes fits.
        self.add_whole(i128::from(value) * i128::from(times));
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add_whole(other.whole);
        if !other.rest.is_zero() {
            self.rest += &other.rest;
        }
    }

    fn add_whole(&mut self, value: i128) {
        if let Some(whole) = self.whole.checked_add(value) {
            self.whole = whole;
        } else {
            self.rest += BigDecimal::from(std::mem::replace(&mut self.whole, value));
        }
    }

    /// The bytes of the digits that it keeps beside itself.
    pub(super) fn size(&self) -> usize {
        usize::try_from(self.rest.as_bigint_and_scale().0.bits() / 8).unwrap_or(usize::MAX)
    }

    /// The sum in plain notation, without needless zeros; zero is `0`.
    pub(super) fn text(&self) -> String {
        if self.rest.is_zero() {
            return self.whole.to_string();
        }
        (&self.rest + BigDecimal::from(self.whole)).normalized().to_plain_string()
    }
}

/// The digits of a number in plain notation; what is too long to be one stays as it is.
pub(super) fn plain(text: &str) -> String {
    if text.len() > MAX_TEXT {
        return text.to_owned();
    }
    let mut sum = Sum::default();
    sum.add(text, 1);
    sum.text()
}

/// The number in a text. What the index takes for a decimal is one, which bounds the exponent before anything is written out.
fn read(text: &str) -> Option<BigDecimal> {
    let is_number = text.len() <= MAX_TEXT && Decimal::parse(text).is_some_and(|decimal| !decimal.is_zero());
    is_number.then(|| BigDecimal::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Sum {
        let mut sum = Sum::default();
        for text in texts {
            sum.add(text.as_ref(), 1);
        }
        sum
    }

    fn sum(texts: &[&str]) -> String {
        of(texts).text()
    }

    #[test]
    fn sums_are_exact() {
        for (texts, expected) in [
            (&[][..], "0"),
            (&["0.1", "0.2"], "0.3"),
            (&["1e300", "1", "-1e300"], "1"),
            (&["9223372036854775807", "9223372036854775807"], "18446744073709551614"),
            (&["-9223372036854775808", "-1"], "-9223372036854775809"),
            (&["-0.5", "0.25"], "-0.25"),
            (&["-0.5", "0.5"], "0"),
            (&["1e-20", "1"], "1.00000000000000000001"),
            (&["123456789012345678901234567890", "1"], "123456789012345678901234567891"),
            (&["1e9", "1e18", "-1"], "1000000000999999999"),
            (&["1e20"], "100000000000000000000"),
            (&["no number", "2"], "2"),
            (&[".5", "+.25", "-.125", "+1", "2.", "-0", "1.50"], "5.125"),
            (&["+1e-3", "1E3", "1.5e+2", "-2.50e1"], "1125.001"),
            (&["0.1", "-0.1"], "0"),
            (&["0.1", "-0.1", "1e25"], "10000000000000000000000000"),
            (&["170141183460469231731687303715884105727", "-1"], "170141183460469231731687303715884105726"),
            (&["9223372036854775808"], "9223372036854775808"),
            (&["1_000", "0x10", "NaN", "Infinity", "1e", ".", "", " 1"], "0"),
        ] {
            assert_eq!(sum(texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn many_times_is_as_often() {
        let mut many = Sum::default();
        many.add("-0.25", 4_000_000_001);
        many.add_integer(i64::MAX, u64::MAX);
        many.add_integer(i64::MAX, u64::MAX);
        many.add_integer(i64::MIN, u64::MAX);
        assert_eq!(many.text(), "170141183460469231685570443530610226689.75");
    }

    #[test]
    fn hostile_exponents_cost_nothing() {
        let begun = std::time::Instant::now();
        let hostile =
            ["1e999999999", "-1e-999999999", "0e999999999", "0.0e-999999999", "1e99999999999999999999", "7"];
        let mut sum = of(hostile);
        sum.merge(&of(hostile));
        assert_eq!((sum.text().as_str(), sum.size()), ("14", 0));
        let long = "9".repeat(4_000_000);
        assert_eq!(of([&long]).text(), "0", "no number is so long");
        assert_eq!(plain(&long), long);
        assert!(begun.elapsed().as_secs() < 5);
        assert_eq!(plain("1e9999").len(), 10_000, "the longest that there is");
    }

    #[test]
    fn digits_are_counted() {
        let longest = "9".repeat(1000);
        assert_eq!(
            (sum(&["12345", "-1"]).len(), of(["12345"]).size()),
            (5, 0),
            "integers take no room of their own"
        );
        let size = of([&longest, &longest]).size();
        assert!((400..500).contains(&size), "{size}");
        // Small numbers that are far apart have many digits together.
        assert!(of(["1e300", "1e-300"]).size() > 240);
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(
            numbers in prop::collection::vec((any::<i64>(), -30..30_i32), 0..20), cut in 0..20_usize,
        ) {
            let texts: Vec<String> = numbers.iter().map(|(digits, power)| format!("{digits}e{power}")).collect();
            let (whole, backwards) = (of(&texts), of(texts.iter().rev()));
            let (mut left, right) = (of(texts.iter().take(cut)), of(texts.iter().skip(cut)));
            left.merge(&right);
            prop_assert_eq!(whole.text(), backwards.text());
            prop_assert_eq!(whole.text(), left.text());
        }

        #[test]
        fn integers_add_up(numbers in prop::collection::vec(any::<i64>(), 0..20)) {
            let sum = of(numbers.iter().map(i64::to_string));
            prop_assert_eq!(sum.text(), numbers.iter().map(|number| i128::from(*number)).sum::<i128>().to_string());
        }
    }
}
