//! Near misses: which of the names that exist somebody probably meant by one that does not. Asked only for words of an
//! error or a notice, never to decide.

/// The known name that is nearest to a mistyped one: with one mistake, or two in a name of five characters and more. A mistake
/// is a character too many, too few, another one, or two that have changed places. Of names that are as near, the first.
///
/// ```
/// let parameters = ["limit", "order", "offset"];
/// assert_eq!(realnet_core::nearest("limt", parameters), Some("limit"));
/// assert_eq!(realnet_core::nearest("colour", parameters), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(LONGEST + 1).collect();
    if name.len() > LONGEST {
        return None;
    }
    let most = if name.len() < 5 { 1 } else { 2 };
    let near = known.into_iter().filter_map(|other| {
        let characters: Vec<char> = other.chars().take(LONGEST + 1).collect();
        let is_near = characters.len().abs_diff(name.len()) <= most && characters.len() > most;
        let distance = if is_near { mistakes(&name, &characters) } else { usize::MAX };
        (distance <= most).then_some((distance, other))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// Nobody mistypes a longer name by a character or two; and the work stays small.
const LONGEST: usize = 64;

/// How many mistakes lead from one name to the other (optimal string alignment).
pub(crate) fn mistakes(one: &[char], other: &[char]) -> usize {
    let mut before_last = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, &left) in one.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, &right) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut least = replaced.min(last[column + 1] + 1).min(this[column] + 1);
            let is_swap = row > 0 && column > 0 && left == other[column - 1] && one[row - 1] == right;
            if is_swap {
                least = least.min(before_last[column - 1] + 1);
            }
            this.push(least);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted() {
        let count = |one: &str, other: &str| {
            mistakes(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
        };
        for (one, other, expected) in [
            ("limit", "limit", 0),
            ("limt", "limit", 1),
            ("limti", "limit", 1),
            ("order", "border", 1),
            ("serach", "search", 1),
            ("größe", "grösse", 2),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((count(one, other), count(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn short_names_have_few_neighbours() {
        assert_eq!(nearest("nme", ["name", "note"]), Some("name"));
        assert_eq!(nearest("kind", ["and", "or"]), None);
        assert_eq!(
            nearest("minuts", ["name", "minute", "minutes"]),
            Some("minute"),
            "the first of the nearest"
        );
        assert_eq!(nearest("x", ["y", "or"]), None, "a name is not all mistake");
        assert_eq!(nearest(&"a".repeat(1000), ["a"]), None);
    }
}
