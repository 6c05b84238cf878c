//! Behaviour that tests can switch on while the store runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Lasting switches; all off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Refuse V1 signatures in the header (presigned URLs are the platform's own and stay valid).
    pub refuse_v1: bool,
    /// Refuse V4 signatures.
    pub refuse_v4: bool,
    /// State no CRC-64 in any answer.
    pub no_crc: bool,
    /// State no CRC-64 for parts, hence none for what is completed from them.
    pub no_part_crc: bool,
    /// State a CRC-64 that is off by one.
    pub wrong_crc: bool,
    /// Ignore Range.
    pub no_range: bool,
    /// Ranges as HTTP has them, whatever the request says: 416 past the end, and an end that is clamped.
    pub standard_ranges: bool,
    /// Two mirrors answer in turn, and each has an ETag of its own for the same object.
    pub alternate_etags: bool,
    /// Answer GET in chunks, without Content-Length.
    pub no_length: bool,
    /// Make ETags of new data from the CRC-64 rather than from MD5, which is the slowest step.
    pub no_md5: bool,
    /// Seconds that the store's clock is ahead (negative: behind).
    pub clock_skew: i64,
    /// Refuse ListParts, as credentials without that right see it.
    pub deny_list_parts: bool,
    /// For this many more calls, complete the upload and then answer 500.
    pub complete_then_fail: u64,
    /// Requests that each STS credential is good for before it counts as expired.
    pub sts_uses: Option<u64>,
    /// Requests that each presigned URL is good for before it counts as expired.
    pub presign_uses: Option<u64>,
}

/// What one call of `set_options` asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Change {
    pub options: Options,
    /// Forget all open multipart uploads.
    pub lose_uploads: bool,
    /// Expire every STS credential issued so far.
    pub expire_sts: bool,
    /// Expire every presigned URL given out so far.
    pub expire_presigned: bool,
}

impl Options {
    /// Lays the members of `wanted` over the current switches. `"reset": true` starts from none.
    pub fn change(self, wanted: &Value) -> Result<Change, String> {
        let wanted = wanted.as_object().ok_or("options must be a JSON object")?;
        let mut change = Change::default();
        let flag = |value: &Value, name: &str| {
            value.as_bool().ok_or_else(|| format!("{name} must be true or false"))
        };
        let reset = match wanted.get("reset") {
            Some(value) => flag(value, "reset")?,
            None => false,
        };
        let base = if reset { Options::default() } else { self };
        let mut merged = serde_json::to_value(base).map_err(|error| error.to_string())?;
        for (name, value) in wanted {
            match name.as_str() {
                "reset" => {}
                "lose_uploads" => change.lose_uploads = flag(value, name)?,
                "expire_sts" => change.expire_sts = flag(value, name)?,
                "expire_presigned" => change.expire_presigned = flag(value, name)?,
                "complete_then_fail" if value.is_boolean() => {
                    let times = if value == true { u64::MAX } else { 0 };
                    merged[name] = times.into();
                }
                _ => merged[name] = value.clone(),
            }
        }
        change.options = serde_json::from_value(merged).map_err(|error| error.to_string())?;
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn switches_accumulate_until_reset() {
        let first = Options::default().change(&json!({"no_crc": true, "clock_skew": -1200})).unwrap();
        let second = first.options.change(&json!({"sts_uses": 3})).unwrap();
        assert!(second.options.no_crc);
        assert_eq!(second.options.clock_skew, -1200);
        assert_eq!(second.options.sts_uses, Some(3));
        let third = second.options.change(&json!({"reset": true, "no_md5": true})).unwrap();
        assert_eq!(third.options, Options { no_md5: true, ..Options::default() });
    }

    #[test]
    fn actions_are_not_kept() {
        let change = Options::default()
            .change(&json!({"lose_uploads": true, "expire_sts": true, "complete_then_fail": true}))
            .unwrap();
        assert!(change.lose_uploads && change.expire_sts && !change.expire_presigned);
        assert_eq!(change.options.complete_then_fail, u64::MAX);
        let next = change.options.change(&json!({})).unwrap();
        assert!(!next.lose_uploads && !next.expire_sts);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in [
            json!([]),
            json!({"no_such": true}),
            json!({"no_crc": "yes"}),
            json!({"clock_skew": 1.5}),
            json!({"lose_uploads": 1}),
        ] {
            assert!(Options::default().change(&wrong).is_err(), "{wrong}");
        }
    }
}
