//! Patterns of file names, as Python's `fnmatch` has them: `*` stands for any text, a `/` in it too.

/// Whether the whole text fits the pattern.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and how far the text had come.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match one(&pattern, at, text.get(place).copied().unwrap_or_default()) {
            Step::Fits(next) => {
                at = next;
                place += 1;
                continue;
            }
            Step::Star => {
                at += 1;
                star = Some((at, place));
                continue;
            }
            Step::No => {}
        }
        // The last star takes one more.
        let Some((behind, taken)) = star else { return false };
        star = Some((behind, taken + 1));
        (at, place) = (behind, taken + 1);
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

enum Step {
    /// It fits, and this comes next.
    Fits(usize),
    Star,
    No,
}

fn one(pattern: &[char], at: usize, c: char) -> Step {
    match pattern.get(at) {
        Some('*') => Step::Star,
        Some('?') => Step::Fits(at + 1),
        Some('[') => match set(pattern, at + 1) {
            Some((is_not, members, next)) if contains(members, c) != is_not => Step::Fits(next),
            Some(_) => Step::No,
            // Without its end it is a bracket.
            None if c == '[' => Step::Fits(at + 1),
            None => Step::No,
        },
        Some(same) if *same == c => Step::Fits(at + 1),
        _ => Step::No,
    }
}

/// A set in brackets: whether it is of the others, its members, and what comes behind it.
fn set(pattern: &[char], from: usize) -> Option<(bool, &[char], usize)> {
    let is_not = pattern.get(from) == Some(&'!');
    let first = from + usize::from(is_not);
    // A bracket that stands first is a member.
    let end = (first + 1..pattern.len()).find(|place| pattern.get(*place) == Some(&']'))?;
    Some((is_not, pattern.get(first..end)?, end + 1))
}

fn contains(members: &[char], c: char) -> bool {
    let mut rest = members;
    loop {
        rest = match rest {
            [from, '-', to, others @ ..] => {
                if (*from..=*to).contains(&c) {
                    return true;
                }
                others
            }
            [member, others @ ..] => {
                if *member == c {
                    return true;
                }
                others
            }
            [] => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_python() {
        // python3 -c 'import fnmatch; print(fnmatch.fnmatchcase(text, pattern))'
        for (pattern, text, wanted) in [
            (".bge/*", ".bge/tmp/model.zip", true),
            ("lib/*.pyc", "lib/a/b.pyc", true),
            ("*.py", "main.py", true),
            ("*.py", "main.pyc", false),
            ("a*b*c", "a/x/b/y/c", true),
            ("a*b*c", "a/x/c", false),
            ("?.txt", "a.txt", true),
            ("?.txt", "ab.txt", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("[a-]", "-", true),
            ("", "", true),
            ("*", "", true),
            ("**", "abc", true),
            ("样*", "样品.txt", true),
            ("a", "A", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
