//! Names of files, as whoever sent them has them: the last part of a path, and nothing that leads elsewhere.

use realnet_core::model::Item;

/// What a file without a name is called.
const UNNAMED: &str = "file";

/// The name that an item gets.
pub(crate) fn of(given: Option<&str>) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).collect();
    let mut name = clean.trim();
    if matches!(name, "" | "." | "..") {
        name = UNNAMED;
    }
    // Within the bytes that a name may have, ends of names are worth more than their middles.
    if name.len() <= Item::MAX_NAME {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.len() <= 16);
    let room = Item::MAX_NAME - ending.map_or(0, |ending| ending.len() + 1);
    let start = &name[..name.floor_char_boundary(room)];
    ending.map_or_else(|| start.to_owned(), |ending| format!("{start}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere() {
        for (given, name) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a b.txt", "a b.txt"),
            ("/", UNNAMED),
            ("..", UNNAMED),
            (" \r\n\0 ", UNNAMED),
            ("a\0b\n.txt", "ab.txt"),
            ("ä€.txt", "ä€.txt"),
            (".hidden", ".hidden"),
        ] {
            assert_eq!(of(Some(given)), name, "{given:?}");
        }
        assert_eq!(of(None), UNNAMED);
        let long = of(Some(&format!("{}.tar", "ä".repeat(2000))));
        assert!(long.len() <= Item::MAX_NAME && long.ends_with("ä.tar"), "{}", long.len());
        assert!(of(Some(&"x".repeat(5000))).len() == Item::MAX_NAME);
    }
}
