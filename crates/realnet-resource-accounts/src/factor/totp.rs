//! Time-based one-time codes: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds, which is what every
//! authenticator understands.

use realnet_core::clock::Timestamp;
use ring::hmac;

/// Bytes of a shared secret: as many as the hash has.
pub(super) const SECRET: usize = 20;
/// Seconds of a step.
pub(super) const PERIOD: i64 = 30;
/// Digits of a code.
pub(super) const DIGITS: usize = 6;
/// By so many steps a clock may be off.
const DRIFT: i64 = 1;

/// The letters of base 32 (RFC 4648).
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step at a moment.
fn step_at(now: Timestamp) -> i64 {
    now.as_micros().div_euclid(1_000_000).div_euclid(PERIOD)
}

/// The code of a step.
fn code(secret: &[u8], step: i64) -> u32 {
    // The standard's own algorithm; HMAC does not rest on what is broken in SHA-1.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let number = tag[offset..offset + 4].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    (number & 0x7fff_ffff) % 10_u32.pow(DIGITS as u32)
}

/// What a code is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is of this step: the present one or a neighbour, later than the last one that was accepted.
    Right(i64),
    /// It would be right, had it or a later one not been accepted before.
    Spent,
    /// It is of no step of now.
    Wrong,
}

/// Looks at a code. The same work is done for every one.
pub(super) fn judged(secret: &[u8], given: &str, now: Timestamp, last: i64) -> Verdict {
    let Some(number) = given.parse::<u32>().ok().filter(|_| is_code(given)) else { return Verdict::Wrong };
    let now = step_at(now);
    let mut verdict = Verdict::Wrong;
    for step in now - DRIFT..=now + DRIFT {
        let is_right = code(secret, step) == number;
        if is_right && step > last {
            verdict = Verdict::Right(step);
        } else if is_right && verdict == Verdict::Wrong {
            verdict = Verdict::Spent;
        }
    }
    verdict
}

/// Whether a text looks like a code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Bytes as letters and digits that people can type.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(LETTERS[((held >> bits) & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(LETTERS[((held << (5 - bits)) & 31) as usize]));
    }
    text
}

/// A text within a URI.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| b"0123456789ABCDEF"[usize::from(digit)]);
            escaped.extend(['%', char::from(digits[0]), char::from(digits[1])]);
        }
    }
    escaped
}

/// What an authenticator reads from a picture, or from a link.
pub(super) fn uri(secret: &[u8], issuer: &str, username: &str) -> String {
    let (issuer, username) = (escaped(issuer), escaped(username));
    let secret = base32(secret);
    format!(
        "otpauth://totp/{issuer}:{username}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// The values of RFC 6238, appendix B, whose last six digits are the codes.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let shown = format!("{:06}", code(KEY, step_at(at(seconds))));
            assert_eq!(shown, expected[2..], "{seconds}");
            assert_eq!(judged(KEY, &shown, at(seconds), 0), Verdict::Right(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_a_step_and_codes_serve_once() {
        let now = at(3_000_000);
        let step = step_at(now);
        let text = |step: i64| format!("{:06}", code(KEY, step));
        for drift in -1..=1 {
            assert_eq!(judged(KEY, &text(step + drift), now, 0), Verdict::Right(step + drift));
        }
        for drift in [-2, 2] {
            assert_eq!(judged(KEY, &text(step + drift), now, 0), Verdict::Wrong);
        }
        assert_eq!(judged(KEY, &text(step), now, step), Verdict::Spent, "replayed");
        assert_eq!(judged(KEY, &text(step - 1), now, step), Verdict::Spent, "older than the last one");
        assert_eq!(judged(KEY, &text(step + 1), now, step), Verdict::Right(step + 1));
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let now = at(59);
        for bad in ["", "28708", "0287082", "+87082", "28708２", "2870 82", "abcdef", "-28708"] {
            assert_eq!(judged(KEY, bad, now, 0), Verdict::Wrong, "{bad}");
        }
        assert_eq!(judged(KEY, "287082", now, 0), Verdict::Right(1));
    }

    /// The values of RFC 4648, section 10, without padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(KEY), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn names_in_the_uri_are_escaped() {
        let uri = uri(KEY, "Acme & Co", "ann?secret=x");
        assert!(uri.starts_with("otpauth://totp/Acme%20%26%20Co:ann%3Fsecret%3Dx?secret=GEZDGNBV"), "{uri}");
        assert!(uri.ends_with("&issuer=Acme%20%26%20Co&algorithm=SHA1&digits=6&period=30"), "{uri}");
    }
}
