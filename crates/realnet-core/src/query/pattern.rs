//! Text patterns of `like` and `ilike`.

use caseless::Caseless as _;

/// Text with Unicode case folded away (full folding: `ß` becomes `ss`).
pub fn fold_case(text: &str) -> String {
    text.chars().default_case_fold().collect()
}

/// Whether the whole of `text` matches `pattern`: `*` or `%` stands for any characters, `_` for one, `\` takes the
/// next character literally. With `fold`, pattern and text are folded first, so `_` is one folded character.
pub fn like(pattern: &str, text: &str, fold: bool) -> bool {
    if fold { matches(&parse(&fold_case(pattern)), &fold_case(text)) } else { matches(&parse(pattern), text) }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Any,
    One,
    Letter(char),
}

fn parse(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' | '%' => Token::Any,
            '_' => Token::One,
            '\\' => Token::Letter(letters.next().unwrap_or('\\')),
            letter => Token::Letter(letter),
        });
    }
    tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
    tokens
}

/// Greedy with one point of return: the last `Any`. Time is at most pattern times text.
fn matches(pattern: &[Token], text: &str) -> bool {
    let mut rest = text.chars();
    let mut position = 0;
    let mut back: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        match pattern.get(position) {
            Some(Token::Any) => {
                position += 1;
                back = Some((position, rest.clone()));
                continue;
            }
            Some(token) => {
                let letter = rest.next();
                let fits =
                    letter.is_some_and(|letter| *token == Token::One || *token == Token::Letter(letter));
                if fits {
                    position += 1;
                    continue;
                }
                if letter.is_none() {
                    return false;
                }
            }
            None if rest.as_str().is_empty() => return true,
            None => {}
        }
        let Some((after, from)) = &mut back else { return false };
        if from.next().is_none() {
            return false;
        }
        position = *after;
        rest = from.clone();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_and_escapes() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("%b%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "ac", false),
            ("_", "ä", true),
            ("*ab*ab", "abxabab", true),
            ("*ab*abc", "abxabab", false),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\_b", "a_b", true),
            (r"a\\", r"a\", true),
            ("Abc", "abc", false),
        ] {
            assert_eq!(like(pattern, text, false), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn folding_is_unicode() {
        assert!(like("STRASSE", "Straße", true));
        assert!(like("*ΣΟΣ", "όσος", true));
        assert!(like("ÄB_", "äbC", true));
        assert!(!like("ÄB_", "äb", true));
    }

    proptest! {
        #[test]
        fn agrees_with_regular_expressions(pattern in "[ab*%_]{0,8}", text in "[ab]{0,10}") {
            let expression: String = pattern
                .chars()
                .map(|letter| match letter {
                    '*' | '%' => ".*".to_owned(),
                    '_' => ".".to_owned(),
                    letter => letter.to_string(),
                })
                .collect();
            let expected = regex::Regex::new(&format!("^{expression}$")).unwrap().is_match(&text);
            prop_assert_eq!(like(&pattern, &text, false), expected);
        }
    }
}
