//! Exact sums of decimal numbers of any size: no order of the items, and no store, gives another one.

use std::collections::BTreeMap;

use crate::index::Decimal;

/// Digits of a limb.
const DIGITS: i32 = 9;
/// What a limb counts up to.
const BASE: i128 = 1_000_000_000;

/// A sum in the making. Each limb stands for nine decimal places and may hold more than fits into them until it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    /// What came as integers.
    whole: i128,
    /// By the power of 10^9.
    limbs: BTreeMap<i32, i128>,
}

impl Sum {
    /// Adds a number, so many times. Text that is no number adds nothing.
    pub(super) fn add(&mut self, text: &str, times: u64) {
        if let Ok(value) = text.parse::<i64>() {
            self.add_integer(value, times);
        } else if let Some(decimal) = Decimal::parse(text) {
            self.add_decimal(&decimal, times);
        }
    }

    /// Adds an integer, so many times.
    pub(super) fn add_integer(&mut self, value: i64, times: u64) {
        let sum = i128::from(value).checked_mul(i128::from(times));
        if let Some(whole) = sum.and_then(|product| self.whole.checked_add(product)) {
            self.whole = whole;
            return;
        }
        let spilled = std::mem::take(&mut self.whole);
        self.spill(spilled);
        // The product of the two extremes alone is one bit too long.
        self.add_decimal(&Decimal::parse(&value.to_string()).unwrap_or_default(), times);
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &Self) {
        self.spill(other.whole);
        for (place, limb) in &other.limbs {
            self.limb(*place, *limb);
        }
    }

    fn add_decimal(&mut self, decimal: &Decimal, times: u64) {
        let (is_negative, digits, exponent) = decimal.parts();
        let times = if is_negative { -i128::from(times) } else { i128::from(times) };
        // The power of ten of the last digit; no text is so long that its digits are not counted by this.
        let last = exponent - i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let mut place = last.div_euclid(DIGITS);
        let mut weight = 10_i128.pow(last.rem_euclid(DIGITS).unsigned_abs());
        let mut chunk = 0;
        for digit in digits.iter().rev() {
            chunk += i128::from(*digit) * weight;
            weight *= 10;
            if weight == BASE {
                self.limb(place, chunk * times);
                (place, weight, chunk) = (place + 1, 1, 0);
            }
        }
        self.limb(place, chunk * times);
    }

    /// Limbs have room for 10^10 of the largest additions there are.
    fn limb(&mut self, place: i32, value: i128) {
        if value != 0 {
            let limb = self.limbs.entry(place).or_default();
            *limb = limb.saturating_add(value);
        }
    }

    fn spill(&mut self, mut whole: i128) {
        let mut place = 0;
        while whole != 0 {
            self.limb(place, whole % BASE);
            whole /= BASE;
            place += 1;
        }
    }

    /// The sum in plain notation, without needless zeros; zero is `0`.
    pub(super) fn text(&self) -> String {
        let mut sum = self.clone();
        let whole = std::mem::take(&mut sum.whole);
        sum.spill(whole);
        if let Some(limbs) = settled(&sum.limbs) {
            return plain(&limbs, "");
        }
        for limb in sum.limbs.values_mut() {
            *limb = -*limb;
        }
        plain(&settled(&sum.limbs).unwrap_or_default(), "-")
    }
}

/// The limbs with what is too much of each carried on to the next; `None` when the whole is negative.
fn settled(limbs: &BTreeMap<i32, i128>) -> Option<BTreeMap<i32, i128>> {
    let (Some((first, _)), Some((last, _))) = (limbs.first_key_value(), limbs.last_key_value()) else {
        return Some(BTreeMap::new());
    };
    let (mut settled, mut carry, mut place) = (BTreeMap::new(), 0, *first);
    while place <= *last || (carry != 0 && carry != -1) {
        let value = limbs.get(&place).copied().unwrap_or_default() + carry;
        settled.insert(place, value.rem_euclid(BASE));
        carry = value.div_euclid(BASE);
        place += 1;
    }
    (carry == 0).then_some(settled)
}

fn plain(limbs: &BTreeMap<i32, i128>, sign: &str) -> String {
    let digits = |place: i32| format!("{:09}", limbs.get(&place).copied().unwrap_or_default());
    let first = limbs.first_key_value().map_or(0, |(place, _)| *place);
    let last = limbs.last_key_value().map_or(0, |(place, _)| *place);
    let whole: String = (0..=last).rev().map(digits).collect();
    let fraction: String = (first..0).rev().map(digits).collect();
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
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
