//! Characters to words inside parentheses and braces: quoting, lists, ends of values.

use crate::error::{Error, Result};

/// The most values of one list.
const MAX_VALUES: usize = 1000;

/// What is left to read of a parameter's value.
pub(super) struct Lexer<'a> {
    pub rest: &'a str,
    /// The parameter, for errors.
    pub pointer: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn error<T>(&self, detail: impl Into<String>) -> Result<T> {
        Err(Error::malformed_at(self.pointer, detail))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<()> {
        if self.eat(text) { Ok(()) } else { self.error(format!("expected '{text}' {}", self.place())) }
    }

    /// Where reading stands, in words.
    pub(super) fn place(&self) -> String {
        if self.rest.is_empty() {
            "at the end".to_owned()
        } else {
            let next: String = self.rest.chars().take(20).collect();
            format!("before '{next}'")
        }
    }

    /// Takes `count` bytes, which end at a character.
    pub(super) fn take(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    /// A value of a group or list: in double quotes, or up to a comma or `close`.
    pub(super) fn value(&mut self, close: char) -> Result<String> {
        if self.eat("\"") {
            return self.quoted();
        }
        let end = self.rest.find([',', close]).unwrap_or(self.rest.len());
        Ok(self.take(end).to_owned())
    }

    /// The rest of a quoted value; `\` takes the next character literally.
    fn quoted(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut letters = self.rest.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {
                    self.rest = letters.as_str();
                    return Ok(text);
                }
                '\\' => text.extend(letters.next()),
                letter => text.push(letter),
            }
        }
        self.error("a quoted value does not end")
    }

    /// Values between `open` and `close`, separated by commas; there may be none.
    pub(super) fn list(&mut self, open: &str, close: char) -> Result<Vec<String>> {
        self.expect(open)?;
        let mut values = Vec::new();
        let mut end = [0; 4];
        let end = &*close.encode_utf8(&mut end);
        if self.eat(end) {
            return Ok(values);
        }
        loop {
            if values.len() == MAX_VALUES {
                return self.error(format!("a list has at most {MAX_VALUES} values"));
            }
            values.push(self.value(close)?);
            if self.eat(end) {
                return Ok(values);
            }
            self.expect(",")
                .or_else(|_| self.error(format!("expected ',' or '{close}' {}", self.place())))?;
        }
    }
}
