//! What a Range header selects, by the store's own rules.

use std::ops::Range;

#[derive(Debug, PartialEq)]
pub(super) enum Selection {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// Anything but one well-formed range inside the object selects the whole object, unless the
/// request asks for `standard` behaviour: then the end is clamped, and a start past the end is an
/// error.
pub(super) fn select(header: Option<&str>, size: u64, standard: bool) -> Selection {
    let Some((first, last)) = header.and_then(parse) else {
        return Selection::Whole;
    };
    let outside = match standard {
        true => Selection::Unsatisfiable,
        false => Selection::Whole,
    };
    let (start, end) = match (first, last) {
        (None, Some(0)) => return outside,
        (None, Some(suffix)) if suffix > size && !standard => return outside,
        (None, Some(suffix)) => (size.saturating_sub(suffix), size),
        (Some(first), None) => (first, size),
        (Some(first), Some(last)) if last < first => return Selection::Whole,
        (Some(_), Some(last)) if last >= size && !standard => return outside,
        (Some(first), Some(last)) => (first, size.min(last.saturating_add(1))),
        (None, None) => return Selection::Whole,
    };
    match start < end {
        true => Selection::Part(start..end),
        false => outside,
    }
}

/// `bytes=first-last`, either side optional.
fn parse(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::Selection::*;
    use super::*;

    #[test]
    fn ranges_inside_the_object() {
        for standard in [false, true] {
            let select = |range| select(Some(range), 1000, standard);
            assert_eq!(select("bytes=0-0"), Part(0..1));
            assert_eq!(select("bytes=0-499"), Part(0..500));
            assert_eq!(select("bytes=500-999"), Part(500..1000));
            assert_eq!(select("bytes=500-"), Part(500..1000));
            assert_eq!(select("bytes=-1"), Part(999..1000));
            assert_eq!(select("bytes=-1000"), Part(0..1000));
        }
    }

    #[test]
    fn outside_the_object_the_two_behaviours_differ() {
        let both = |range| (select(Some(range), 1000, false), select(Some(range), 1000, true));
        assert_eq!(both("bytes=500-2000"), (Whole, Part(500..1000)));
        assert_eq!(both("bytes=1000-2000"), (Whole, Unsatisfiable));
        assert_eq!(both("bytes=1000-"), (Whole, Unsatisfiable));
        assert_eq!(both("bytes=-2000"), (Whole, Part(0..1000)));
        assert_eq!(both("bytes=-0"), (Whole, Unsatisfiable));
        assert_eq!(select(Some("bytes=0-0"), 0, false), Whole);
        assert_eq!(select(Some("bytes=0-0"), 0, true), Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_is_ignored() {
        for range in [
            "bytes=5-2",
            "bytes=a-b",
            "bytes=-",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes 0-1",
            "",
            "bytes=+1-2",
            "bytes=0-99999999999999999999999",
        ] {
            assert_eq!(select(Some(range), 1000, true), Whole, "{range}");
        }
        assert_eq!(select(None, 1000, true), Whole);
    }
}
