//! The authenticator app that a person has on their phone: six digits by a shared secret and the time (RFC 6238).

use ring::hmac;

/// The letters of base 32.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Seconds of a step.
const PERIOD: i64 = 30;

/// Knows the secret of one account.
pub struct Authenticator {
    key: hmac::Key,
}

impl Authenticator {
    /// Takes the secret as it is shown to people.
    pub fn new(secret: &str) -> Self {
        let mut bytes = Vec::new();
        let (mut held, mut bits) = (0_u32, 0);
        for value in secret.chars().filter_map(|letter| LETTERS.find(letter)) {
            held = (held << 5) | value as u32;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits) as u8);
            }
            held &= (1 << bits) - 1;
        }
        Self { key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes) }
    }

    /// The code at so many seconds since 1970.
    pub fn code(&self, seconds: i64) -> String {
        let tag = hmac::sign(&self.key, &seconds.div_euclid(PERIOD).to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 15);
        let number =
            tag[offset..offset + 4].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }

    /// A code that is none of those which count at so many seconds.
    pub fn wrong_code(&self, seconds: i64) -> String {
        let right = [-PERIOD, 0, PERIOD].map(|drift| self.code(seconds + drift));
        let mut codes = (0..10).map(|digit| digit.to_string().repeat(6));
        codes.find(|code| !right.contains(code)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        let phone = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!((phone.code(59), phone.code(1_111_111_109)), ("287082".to_owned(), "081804".to_owned()));
        assert_ne!(phone.wrong_code(59), "287082");
    }
}
