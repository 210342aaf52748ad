//! How deep a text is nested, before it is parsed: the parser looks through all flow collections that are open at each token, so
//! that a few thousand of them within one another take it minutes, and asks for nothing until it has read to the end.
//!
//! The text is parted into tokens as the parser does it (libyaml's scanner), without keeping any: what looks like a bracket may be
//! part of a scalar, a comment or a block of text. Where the parser ends with an error this ends, too.

/// Shorter texts are parsed as fast as they are looked through.
pub(super) const SHORT: usize = 1024;

/// Where a text is nested deeper than so many levels, in bytes. Nothing is told of texts that the parser refuses before.
pub(crate) fn beyond(text: &str, most: usize) -> Option<usize> {
    if text.len() < SHORT {
        return None;
    }
    let mut scanner = Scanner::new(text);
    loop {
        let begin = scanner.token()?;
        if scanner.indents.len() + scanner.flow > most {
            return Some(begin);
        }
    }
}

/// The end of the text, as the parser sees it.
const END: char = '\0';

fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

fn ends_word(letter: char) -> bool {
    is_blank(letter) || is_break(letter) || letter == END
}

fn is_flow_sign(letter: char) -> bool {
    matches!(letter, ',' | '[' | ']' | '{' | '}')
}

/// The state of the scanner between two tokens.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
    /// The columns of the block collections that are open.
    indents: Vec<usize>,
    /// How many flow collections are open.
    flow: usize,
    /// Whether what comes may be the key of a mapping.
    allows_key: bool,
    /// The line and column of what may have been one, outside of flow collections.
    key: Option<(usize, usize)>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 0, column: 0, indents: Vec::new(), flow: 0, allows_key: true, key: None }
    }

    /// Passes over a token; answers where it begins. `None` at the end, and where the parser ends with an error.
    fn token(&mut self) -> Option<usize> {
        self.pass_over_space();
        self.key = self.key.filter(|(line, _)| *line == self.line);
        self.close_above(self.column);
        let (begin, letter) = (self.at, self.peek(0));
        let is_alone = ends_word(self.peek(1));
        match letter {
            END => return None,
            '%' if self.column == 0 => self.directive(),
            '-' | '.' if self.is_document_sign() => self.document_sign(),
            '[' | '{' => {
                self.note_key();
                self.flow += 1;
                self.sign(true);
            }
            ']' | '}' => {
                self.forget_key();
                self.flow = self.flow.saturating_sub(1);
                self.sign(false);
            }
            ',' => {
                self.forget_key();
                self.sign(true);
            }
            '-' if is_alone => self.entry(true)?,
            '?' if is_alone || self.flow > 0 => self.entry(self.flow == 0)?,
            ':' if is_alone || self.flow > 0 => self.value()?,
            '*' | '&' => self.name(),
            '!' => self.tag(),
            '|' | '>' if self.flow == 0 => self.block_scalar()?,
            '\'' | '"' => self.quoted(letter)?,
            '\t' | '#' | '|' | '>' | '%' | '@' | '`' => return None,
            _ => self.plain(),
        }
        Some(begin)
    }

    fn peek(&self, ahead: usize) -> char {
        self.text[self.at..].chars().nth(ahead).unwrap_or(END)
    }

    /// Goes on by one letter of a line.
    fn skip(&mut self) {
        if let Some(letter) = self.text[self.at..].chars().next() {
            self.at += letter.len_utf8();
            self.column += 1;
        }
    }

    fn skip_while(&mut self, is_meant: impl Fn(char) -> bool) {
        while self.peek(0) != END && is_meant(self.peek(0)) {
            self.skip();
        }
    }

    /// Goes on to the next line.
    fn skip_break(&mut self) {
        if self.peek(0) == '\r' && self.peek(1) == '\n' {
            self.skip();
        }
        self.skip();
        self.line += 1;
        self.column = 0;
    }

    /// A token of one letter.
    fn sign(&mut self, allows_key: bool) {
        self.allows_key = allows_key;
        self.skip();
    }

    /// Goes on to the next token.
    fn pass_over_space(&mut self) {
        loop {
            if self.column == 0 && self.peek(0) == '\u{feff}' {
                self.skip();
            }
            let allows_tab = self.flow > 0 || !self.allows_key;
            self.skip_while(|letter| letter == ' ' || (allows_tab && letter == '\t'));
            if self.peek(0) == '#' {
                self.skip_while(|letter| !is_break(letter));
            }
            if !is_break(self.peek(0)) {
                return;
            }
            self.skip_break();
            self.allows_key |= self.flow == 0;
        }
    }

    /// Ends the block collections that stand further to the right.
    fn close_above(&mut self, column: usize) {
        while self.flow == 0 && self.indents.last().is_some_and(|indent| *indent > column) {
            self.indents.pop();
        }
    }

    /// Begins a block collection, where none stands as far to the right.
    fn open_block(&mut self, column: usize) {
        if self.indents.last().is_none_or(|indent| *indent < column) {
            self.indents.push(column);
        }
    }

    /// The column from which on lines belong to a scalar.
    fn inner(&self) -> usize {
        self.indents.last().map_or(0, |indent| indent + 1)
    }

    fn note_key(&mut self) {
        if self.flow == 0 && self.allows_key {
            self.key = Some((self.line, self.column));
        }
    }

    fn forget_key(&mut self) {
        if self.flow == 0 {
            self.key = None;
        }
    }

    /// Whether a document begins or ends here.
    fn is_document_sign(&self) -> bool {
        let rest = &self.text[self.at..];
        self.column == 0 && (rest.starts_with("---") || rest.starts_with("...")) && ends_word(self.peek(3))
    }

    fn end_document(&mut self) {
        if self.flow == 0 {
            self.indents.clear();
        }
        self.forget_key();
        self.allows_key = false;
    }

    fn document_sign(&mut self) {
        self.end_document();
        (0..3).for_each(|_| self.skip());
    }

    fn directive(&mut self) {
        self.end_document();
        self.skip_while(|letter| !is_break(letter));
    }

    /// An element of a block sequence, or a key that is marked as one.
    fn entry(&mut self, allows_key: bool) -> Option<()> {
        if self.flow == 0 {
            self.allows_key.then_some(())?;
            self.open_block(self.column);
        }
        self.forget_key();
        self.sign(allows_key);
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        let is_block = self.flow == 0;
        let key = self.key.take_if(|_| is_block);
        if is_block && key.is_none() {
            self.allows_key.then_some(())?;
        }
        if is_block {
            self.open_block(key.map_or(self.column, |(_, column)| column));
        }
        self.sign(is_block && key.is_none());
        Some(())
    }

    /// An anchor, or what names one.
    fn name(&mut self) {
        self.note_key();
        self.sign(false);
        self.skip_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    }

    fn tag(&mut self) {
        self.note_key();
        self.sign(false);
        if self.peek(0) == '<' {
            self.skip_while(|letter| !ends_word(letter) && letter != '>');
            self.skip();
        } else {
            self.skip_while(|letter| !ends_word(letter) && !is_flow_sign(letter));
        }
    }

    fn quoted(&mut self, mark: char) -> Option<()> {
        self.note_key();
        self.sign(false);
        loop {
            if self.is_document_sign() {
                return None;
            }
            match self.peek(0) {
                END => return None,
                letter if is_break(letter) => self.skip_break(),
                '\'' if mark == '\'' && self.peek(1) == '\'' => {
                    self.skip();
                    self.skip();
                }
                letter if letter == mark => {
                    self.skip();
                    return Some(());
                }
                '\\' if mark == '"' => {
                    self.skip();
                    if is_break(self.peek(0)) {
                        self.skip_break();
                    } else {
                        self.skip();
                    }
                }
                _ => self.skip(),
            }
        }
    }

    fn plain(&mut self) {
        self.note_key();
        self.allows_key = false;
        let inner = self.inner();
        loop {
            if self.is_document_sign() || self.peek(0) == '#' {
                return;
            }
            let begin = self.at;
            while !ends_word(self.peek(0)) && !self.ends_plain() {
                self.skip();
            }
            if self.at > begin {
                self.allows_key = false;
            }
            if !is_blank(self.peek(0)) && !is_break(self.peek(0)) {
                return;
            }
            while is_blank(self.peek(0)) || is_break(self.peek(0)) {
                if is_break(self.peek(0)) {
                    self.skip_break();
                    // Unless it goes on here.
                    self.allows_key = true;
                } else {
                    self.skip();
                }
            }
            if self.flow == 0 && self.column < inner {
                return;
            }
        }
    }

    fn ends_plain(&self) -> bool {
        let letter = self.peek(0);
        (letter == ':' && ends_word(self.peek(1))) || (self.flow > 0 && is_flow_sign(letter))
    }

    /// Text below a `|` or `>`, which goes as far as lines stand at its column.
    fn block_scalar(&mut self) -> Option<()> {
        self.forget_key();
        self.sign(true);
        let mut column = None;
        for _ in 0..2 {
            match self.peek(0) {
                '+' | '-' => self.skip(),
                digit @ '1'..='9' => {
                    let outer = self.indents.last().copied().unwrap_or_default();
                    column = Some(outer + digit.to_digit(10).unwrap_or_default() as usize);
                    self.skip();
                }
                _ => {}
            }
        }
        self.skip_while(is_blank);
        if self.peek(0) == '#' {
            self.skip_while(|letter| !is_break(letter));
        }
        match self.peek(0) {
            END => return None,
            letter if is_break(letter) => self.skip_break(),
            _ => return None,
        }
        let least = self.inner().max(1);
        let column = match column {
            Some(column) => {
                self.pass_over_empty_lines(Some(column));
                column
            }
            None => self.pass_over_empty_lines(None).max(least),
        };
        while self.column == column && self.peek(0) != END {
            self.skip_while(|letter| !is_break(letter));
            if self.peek(0) != END {
                self.skip_break();
            }
            self.pass_over_empty_lines(Some(column));
        }
        Some(())
    }

    /// Goes to the next line of a block of text, up to its column; answers how far spaces went.
    fn pass_over_empty_lines(&mut self, column: Option<usize>) -> usize {
        let mut furthest = 0;
        loop {
            while self.peek(0) == ' ' && column.is_none_or(|column| self.column < column) {
                self.skip();
            }
            furthest = furthest.max(self.column);
            if !is_break(self.peek(0)) {
                return furthest;
            }
            self.skip_break();
        }
    }
}
