//! The store's clock in the spellings that its protocol uses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const XML: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");
const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const V4: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// `2025-06-12T08:00:00.000Z`
pub fn xml(moment: SystemTime) -> String {
    OffsetDateTime::from(moment).format(XML).unwrap_or_default()
}

/// `Thu, 12 Jun 2025 08:00:00 GMT`
pub fn http(moment: SystemTime) -> String {
    httpdate::fmt_http_date(moment)
}

/// Reads RFC 1123 only: the older spellings of HTTP are not accepted in a signed date.
pub fn parse_http(text: &str) -> Option<SystemTime> {
    let strict = text.len() == 29 && text.ends_with(" GMT");
    strict.then(|| httpdate::parse_http_date(text).ok()).flatten()
}

/// Reads `2025-06-12T08:00:00Z`.
pub fn parse_iso(text: &str) -> Option<SystemTime> {
    let parsed = PrimitiveDateTime::parse(text, ISO).ok()?;
    Some(parsed.assume_utc().into())
}

/// Reads `20250612T080000Z`.
pub fn parse_v4(text: &str) -> Option<SystemTime> {
    let parsed = PrimitiveDateTime::parse(text, V4).ok()?;
    Some(parsed.assume_utc().into())
}

pub fn unix(moment: SystemTime) -> i64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    }
}

pub fn shift(moment: SystemTime, seconds: i64) -> SystemTime {
    let step = Duration::from_secs(seconds.unsigned_abs());
    let shifted = if seconds < 0 { moment.checked_sub(step) } else { moment.checked_add(step) };
    shifted.unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_in_all_spellings() {
        let moment = UNIX_EPOCH + Duration::from_secs(1_749_715_200);
        assert_eq!(http(moment), "Thu, 12 Jun 2025 08:00:00 GMT");
        assert_eq!(xml(moment), "2025-06-12T08:00:00.000Z");
        assert_eq!(parse_http("Thu, 12 Jun 2025 08:00:00 GMT"), Some(moment));
        assert_eq!(parse_v4("20250612T080000Z"), Some(moment));
        assert_eq!(parse_iso("2025-06-12T08:00:00Z"), Some(moment));
        assert_eq!(unix(shift(moment, -3600)), 1_749_711_600);
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(parse_http("Thursday, 12-Jun-25 08:00:00 GMT"), None);
        assert_eq!(parse_http("2025-06-12T08:00:00Z"), None);
        assert_eq!(parse_v4("2025-06-12T08:00:00Z"), None);
        assert_eq!(parse_v4("20251312T080000Z"), None);
        assert_eq!(parse_iso("2025-06-12T08:00:00+08:00"), None);
    }
}
