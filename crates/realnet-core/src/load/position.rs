//! From a JSON pointer to line and column, so that an error in a document names its place.

/// Line and column (from 1, in characters) of the value at `pointer` in JSON text that has been parsed before.
pub(super) fn locate(text: &str, pointer: &str) -> Option<(u32, u32)> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.blank();
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        scanner.enter(&key)?;
    }
    let before = &text[..scanner.at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}

/// Walks over JSON without building it. `at` stands on the first byte of a value between calls.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.blank();
        (self.peek()? == byte).then(|| self.at += 1)?;
        self.blank();
        Some(())
    }

    /// Steps into the member `key` of an object, or the element of that number of a list.
    fn enter(&mut self, key: &str) -> Option<()> {
        match self.peek()? {
            b'{' => {
                self.expect(b'{')?;
                while self.peek()? == b'"' {
                    let start = self.at;
                    self.skip_string()?;
                    let name: String = serde_json::from_str(&self.text[start..self.at]).ok()?;
                    self.expect(b':')?;
                    if name == key {
                        return Some(());
                    }
                    self.skip()?;
                    self.expect(b',')?;
                }
                None
            }
            b'[' => {
                self.expect(b'[')?;
                for _ in 0..key.parse::<usize>().ok()? {
                    self.skip()?;
                    self.expect(b',')?;
                }
                (self.peek()? != b']').then_some(())
            }
            _ => None,
        }
    }

    /// Steps over a value, without recursion: documents may be deep.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
            self.blank();
        }
    }

    fn skip_word(&mut self) {
        while self.peek().is_some_and(|byte| !b",:]}[{\"".contains(&byte) && !byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    const TEXT: &str = "{\n  \"types\": [\n    {\"name\": \"A\\\"\", \"x\": {\"ü/\": [1, {\"y\": [ ]}, -2.5e3]}},\n    {\"name\": \"B\"}\n  ]\n}";

    #[test]
    fn finds_values() {
        for (pointer, place) in [
            ("", (1, 1)),
            ("/types", (2, 12)),
            ("/types/0", (3, 5)),
            ("/types/0/name", (3, 14)),
            ("/types/0/x/ü~1", (3, 33)),
            ("/types/0/x/ü~1/2", (3, 49)),
            ("/types/1/name", (4, 14)),
        ] {
            assert_eq!(locate(TEXT, pointer), Some(place), "{pointer}");
        }
        for pointer in ["/types/2", "/other", "/types/0/name/x", "/types/x"] {
            assert_eq!(locate(TEXT, pointer), None, "{pointer}");
        }
    }
}
