//! Members that stand twice in one object: parsers disagree about which of the two counts, so none of them does.

use std::{borrow::Cow, collections::HashSet};

/// Objects that lie deeper are not looked into.
const DEEPEST: usize = 128;
/// From so many members on, an object's names are looked up and no longer compared one by one.
const MANY: usize = 24;

type Name<'a> = Cow<'a, [u8]>;

/// The first member that is given twice in one object: the place of its second name, in bytes. `json` is known to be JSON.
pub(crate) fn find(json: &str) -> Option<usize> {
    Scan { bytes: json.as_bytes(), at: 0, open: Vec::new(), earlier: Vec::new() }.run()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Arrays and objects that the place is in, from the outermost on.
    open: Vec<Open<'a>>,
    /// By depth, and by which member of what is around it, the names of an object that was there before: the rows of a list
    /// have the same ones in the same order, and what was compared once need not be compared again.
    earlier: Vec<Vec<Vec<Name<'a>>>>,
}

/// An array, or an object with its names so far: the first `same` of the earlier one in its place, or else those of `own`.
struct Open<'a> {
    is_object: bool,
    place: usize,
    same: usize,
    own: Option<Names<'a>>,
}

impl Open<'_> {
    /// Where what lies in it lies. Of many members the last ones share a place.
    fn place_within(&self) -> usize {
        match self.is_object {
            true => self.own.as_ref().map_or(self.same, |names| names.list.len()).min(MANY),
            false => self.place,
        }
    }
}

struct Names<'a> {
    list: Vec<Name<'a>>,
    /// The same, once they are many.
    set: HashSet<Name<'a>>,
}

impl<'a> Scan<'a> {
    fn run(mut self) -> Option<usize> {
        let (mut deeper, mut wants_name) = (0usize, false);
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => {
                    if wants_name {
                        wants_name = false;
                        if !self.skip_same() {
                            let (start, is_escaped) = (self.at, self.skip_string());
                            if self.is_known(start, is_escaped) {
                                return Some(start - 1);
                            }
                        }
                        // Mostly the value is a string, too.
                        if self.bytes.get(self.at..self.at + 2) == Some(b":\"") {
                            self.at += 2;
                            self.skip_string();
                        }
                    } else {
                        self.skip_string();
                    }
                }
                b'{' | b'[' => {
                    if deeper > 0 || self.open.len() == DEEPEST {
                        deeper += 1;
                    } else {
                        wants_name = *byte == b'{';
                        let place = self.open.last().map_or(0, Open::place_within);
                        self.open.push(Open { is_object: wants_name, place, same: 0, own: None });
                    }
                }
                b'}' | b']' => {
                    wants_name = false;
                    if deeper > 0 {
                        deeper -= 1;
                    } else {
                        self.close();
                    }
                }
                b',' => wants_name = deeper == 0 && self.open.last().is_some_and(|open| open.is_object),
                _ => {}
            }
        }
        None
    }

    /// Goes behind the string's end; whether anything in it is escaped.
    #[inline]
    fn skip_string(&mut self) -> bool {
        let mut is_escaped = false;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.bytes.get(self.at) {
                Some(b'\\') => {
                    is_escaped = true;
                    self.at += 2;
                }
                Some(b'"') => {
                    self.at += 1;
                    return is_escaped;
                }
                _ => return is_escaped,
            }
        }
    }

    /// Goes behind a name, if it is the one that the earlier object at this depth has at this place.
    #[inline]
    fn skip_same(&mut self) -> bool {
        let depth = self.open.len().wrapping_sub(1);
        let Some(Open { place, same, own: None, .. }) = self.open.last_mut() else { return false };
        let earlier = self.earlier.get(depth).and_then(|places| places.get(*place));
        let known = earlier.and_then(|names| names.get(*same));
        // Nothing in a borrowed name is escaped: a quote behind it ends it.
        let Some(Cow::Borrowed(known)) = known else { return false };
        let end = self.at + known.len();
        let is_same = self.bytes.get(self.at..end).is_some_and(|name| is_equal(name, known))
            && self.bytes.get(end) == Some(&b'"');
        if is_same {
            *same += 1;
            self.at = end + 1;
        }
        is_same
    }

    /// Whether the innermost object has this name already; else it has it from now on. The name ends before the quote
    /// that was passed last.
    fn is_known(&mut self, start: usize, is_escaped: bool) -> bool {
        let depth = self.open.len() - 1;
        let name = &self.bytes[start..self.at - 1];
        let Some(object) = self.open.last_mut() else { return false };
        if object.own.is_none() {
            let earlier = self.earlier.get(depth).and_then(|places| places.get(object.place));
            let list = earlier.and_then(|names| names.get(..object.same)).unwrap_or_default().to_vec();
            object.own = Some(Names { list, set: HashSet::new() });
        }
        let Some(names) = &mut object.own else { return false };
        names.add(if is_escaped { unescaped(name) } else { Cow::Borrowed(name) })
    }

    fn close(&mut self) {
        let Some(Open { own: Some(names), place, .. }) = self.open.pop() else { return };
        let depth = self.open.len();
        if self.earlier.len() <= depth {
            self.earlier.resize_with(depth + 1, Vec::new);
        }
        let places = &mut self.earlier[depth];
        if places.len() <= place {
            places.resize_with(place + 1, Vec::new);
        }
        places[place] = names.list;
    }
}

impl<'a> Names<'a> {
    /// Adds a name; whether it was there already.
    fn add(&mut self, name: Name<'a>) -> bool {
        if self.list.len() < MANY {
            if self.list.contains(&name) {
                return true;
            }
        } else {
            if self.set.is_empty() {
                self.set.extend(self.list.iter().cloned());
            }
            if !self.set.insert(name.clone()) {
                return true;
            }
        }
        self.list.push(name);
        false
    }
}

/// For names, which are short: calling out to compare them would take longer.
#[inline]
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    words == other_words && rest.len() == other_rest.len() && rest.iter().zip(other_rest).all(|(a, b)| a == b)
}

/// How many bytes come before the next quote or backslash: eight are looked at at a time.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The highest bit of each byte that is 0, and maybe of some after the first of them.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return n * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\');
    bytes.len() - rest.len() + rest.iter().position(is_end).unwrap_or(rest.len())
}

fn unescaped(name: &[u8]) -> Name<'_> {
    let quoted = [b"\"", name, b"\""].concat();
    match serde_json::from_slice::<String>(&quoted) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        // Half of a surrogate pair: no other spelling is the same.
        Err(_) => Cow::Owned(name.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_found_wherever_it_stands() {
        for (json, wanted) in [
            (r#"{"a":1,"a":2}"#, Some(7)),
            (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#, None),
            (r#"[{"a":1,"b":2},{"a":1,"b":2},{"a":1,"b":2,"a":3}]"#, Some(42)),
            (r#"[{"a":1,"b":2},{"a":1,"a":2}]"#, Some(22)),
            (r#"[{"a":1},{"b":1,"a":1},{"a":1,"b":1,"c":1},{"c":1,"c":1}]"#, Some(50)),
            (r#"[{"a":1,"b":2},{},{"b":1,"b":2}]"#, Some(25)),
            (r#"{"x":{"k":[1,{"a":"{\"a\":1,\"a\":2}","\u0061":1}]}}"#, Some(38)),
            (r#"{"\"":1,"b":2,"\u0022":3}"#, Some(14)),
            (r#"{"a":"x,\"a\":","b":"a"}"#, None),
            (r#"["a","a",{"a":["a","a"]}]"#, None),
            (r#"[{"a\":1,\"b":1},{"a":1,"b":2},{"a":1,"b":2,"b":3}]"#, Some(44)),
            (r#"{"a":{"b":1},"c":{"b":1},"a":{}}"#, Some(25)),
            ("{}", None),
            ("3", None),
            (r#"{"\ud800":1,"\udfff":2}"#, None),
        ] {
            assert_eq!(find(json), wanted, "{json}");
        }
    }

    #[test]
    fn many_members_and_many_levels() {
        let members = |last: usize| {
            let all: Vec<String> = (0..1000).chain([last]).map(|n| format!("\"m{n}\":{n}")).collect();
            format!("{{{}}}", all.join(","))
        };
        assert_eq!(find(&members(1000)), None);
        for last in [0, 23, 24, 999] {
            let json = members(last);
            assert_eq!(find(&json), json.rfind(&format!("\"m{last}\"")), "{last}");
        }
        let deep =
            |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(find(&deep(100, r#"{"a":1,"a":2}"#)), Some(107));
        assert_eq!(find(&deep(5000, r#"{"a":1,"a":2}"#)), None);
        assert_eq!(find(&format!("[{},{{\"a\":1,\"a\":1}}]", deep(5000, "{}"))), Some(10_011));
    }
}
