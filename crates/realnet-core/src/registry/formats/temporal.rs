//! Dates, moments, times of day and durations as text.

use time::{Date, Month, Time};

use crate::clock::Timestamp;

/// `YYYY-MM-DD`, a day that exists.
pub(crate) fn is_date(text: &str) -> bool {
    parse_date(text).is_some()
}

fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let month = Month::try_from(u8::try_from(digits(&bytes[5..7])?).ok()?).ok()?;
    Date::from_calendar_date(
        i32::try_from(digits(&bytes[..4])?).ok()?,
        month,
        u8::try_from(digits(&bytes[8..])?).ok()?,
    )
    .ok()
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |value, byte| {
        byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
}

/// RFC 3339 with any offset to UTC with microseconds, years 0 to 9999.
pub(crate) fn datetime(text: &str) -> Option<String> {
    const LENGTH: usize = "2026-01-31T12:00:00.000000Z".len();
    let canonical = Timestamp::parse(text)?.to_string();
    (canonical.len() == LENGTH && !canonical.starts_with('-')).then_some(canonical)
}

/// `HH:MM[:SS[.fraction]]` to seconds and, when there is one, a fraction of at most six digits without trailing zeros.
pub(crate) fn time_of_day(text: &str) -> Option<String> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let bytes = clock.as_bytes();
    let seconds = match bytes.len() {
        5 if !text.contains('.') => 0,
        8 if bytes[5] == b':' => digits(&bytes[6..])?,
        _ => return None,
    };
    let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if bytes[2] != b':' || !is_fraction || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    let hour = u8::try_from(digits(&bytes[..2])?).ok()?;
    let minute = u8::try_from(digits(&bytes[3..5])?).ok()?;
    let time = Time::from_hms(hour, minute, u8::try_from(seconds).ok()?).ok()?;
    let fraction = fraction[..fraction.len().min(6)].trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{:02}:{:02}:{:02}{point}{fraction}", time.hour(), time.minute(), time.second()))
}

/// An ISO 8601 duration in upper case: `PnYnMnDTnHnMnS` or `PnW`; the last number may have a fraction.
pub(crate) fn duration(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    nominal_micros(&upper).map(|_| upper)
}

/// Its nominal length (a year is 365 days, a month 30) in microseconds, by which durations are ordered.
pub(crate) fn nominal_micros(canonical: &str) -> Option<i128> {
    const SECOND: i128 = 1_000_000;
    const DAY: i128 = 86_400 * SECOND;
    const DATE: [(char, i128); 4] = [('Y', 365 * DAY), ('M', 30 * DAY), ('W', 7 * DAY), ('D', DAY)];
    const TIME: [(char, i128); 3] = [('H', 3600 * SECOND), ('M', 60 * SECOND), ('S', SECOND)];
    let body = canonical.strip_prefix('P')?;
    let (date, time) = body.split_once('T').map_or((body, None), |(date, time)| (date, Some(time)));
    if (date.is_empty() && time.is_none()) || time.is_some_and(str::is_empty) {
        return None;
    }
    let units: &[(char, i128)] = if date.contains('W') { &DATE[2..3] } else { &DATE };
    if date.contains('W') && time.is_some() {
        return None;
    }
    Some(sum(date, units)? + sum(time.unwrap_or(""), &TIME)?)
}

/// Adds up `<number><unit>` terms whose units come in the given order.
fn sum(mut text: &str, units: &[(char, i128)]) -> Option<i128> {
    let mut total = 0_i128;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        let has_point = number.len() != whole.len();
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 12 || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        // A fraction is of the last term only.
        if has_point && (fraction.is_empty() || fraction.len() > 9 || !rest.is_empty()) {
            return None;
        }
        let scale = 10_i128.pow(fraction.len() as u32);
        let parts: i128 = format!("{whole}{fraction}").parse().ok()?;
        total += parts * length / scale;
        text = rest;
    }
    text.is_empty().then_some(total)
}
