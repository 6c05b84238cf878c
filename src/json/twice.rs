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
    /// Arrays (`None`) and objects that the place is in, from the outermost on.
    open: Vec<Option<Object<'a>>>,
    /// By depth, the names of an object that was there before: its siblings mostly have the same ones in the same order,
    /// and what was compared once need not be compared again.
    earlier: Vec<Vec<Name<'a>>>,
}

/// The names so far: the first `same` of the earlier object at this depth, or else those of `own`.
#[derive(Default)]
struct Object<'a> {
    same: usize,
    own: Option<Names<'a>>,
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
                    let (start, is_escaped) = (self.at, self.skip_string());
                    if wants_name {
                        wants_name = false;
                        if self.is_known(start, is_escaped) {
                            return Some(start - 1);
                        }
                    }
                }
                b'{' | b'[' if deeper > 0 || self.open.len() == DEEPEST => deeper += 1,
                b'}' | b']' if deeper > 0 => deeper -= 1,
                b'{' => {
                    self.open.push(Some(Object::default()));
                    wants_name = true;
                }
                b'[' => {
                    self.open.push(None);
                    wants_name = false;
                }
                b'}' | b']' => {
                    wants_name = false;
                    self.close();
                }
                b',' => wants_name = deeper == 0 && matches!(self.open.last(), Some(Some(_))),
                _ => {}
            }
        }
        None
    }

    /// Goes behind the string's end; tells whether anything in it is escaped.
    fn skip_string(&mut self) -> bool {
        let mut is_escaped = false;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    self.at += 1;
                }
                _ => {}
            }
        }
        is_escaped
    }

    /// Whether the innermost object has this name already; else it has it from now on. The name ends before the quote
    /// that was passed last.
    fn is_known(&mut self, start: usize, is_escaped: bool) -> bool {
        let depth = self.open.len() - 1;
        let name = &self.bytes[start..self.at - 1];
        let Some(Some(object)) = self.open.last_mut() else { return false };
        let earlier = self.earlier.get(depth).map_or(&[][..], Vec::as_slice);
        if object.own.is_none() {
            if !is_escaped && earlier.get(object.same).is_some_and(|known| **known == *name) {
                object.same += 1;
                return false;
            }
            let list = earlier[..object.same].to_vec();
            object.own = Some(Names { list, set: HashSet::new() });
        }
        let Some(names) = &mut object.own else { return false };
        names.add(if is_escaped { unescaped(name) } else { Cow::Borrowed(name) })
    }

    fn close(&mut self) {
        let Some(Some(Object { own: Some(names), .. })) = self.open.pop() else { return };
        let depth = self.open.len();
        if self.earlier.len() <= depth {
            self.earlier.resize_with(depth + 1, Vec::new);
        }
        self.earlier[depth] = names.list;
    }
}

impl<'a> Names<'a> {
    /// Adds a name; tells whether it was there.
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

fn unescaped(name: &[u8]) -> Name<'_> {
    let quoted = [b"\"", name, b"\""].concat();
    match serde_json::from_slice::<String>(&quoted) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        // Half of a surrogate pair: no other spelling is the same.
        Err(_) => Cow::Borrowed(name),
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
