//! The projection: `select=a,b,ref(name)` and `attributes=all|own`.

use super::lexer::Lexer;
use super::names::{Name, Names, property};
use crate::error::{Error, Result};
use crate::resource::{AttributeSet, Projection, Selection};

/// The most parts of a selection, those of expanded references included.
const MAX_PARTS: usize = 200;
/// The deepest expansion of references.
const MAX_DEPTH: usize = 3;

pub(super) fn read(names: &Names<'_>, select: Option<&str>, attributes: Option<&str>) -> Result<Projection> {
    let attributes = match attributes {
        None => AttributeSet::Effective,
        Some("all") => AttributeSet::All,
        Some("own") => AttributeSet::Own,
        Some(_) => return Err(Error::malformed_at("attributes", "expected all or own")),
    };
    let Some(text) = select else { return Ok(Projection { attributes, select: Vec::new() }) };
    let mut lexer = Lexer { rest: text, pointer: "select" };
    let mut reader = Reader { names, count: 0 };
    let select = reader.parts(&mut lexer, "", 0)?;
    if !lexer.rest.is_empty() {
        return lexer.error(format!("nothing is expected {}", lexer.place()));
    }
    Ok(Projection { attributes, select })
}

struct Reader<'a> {
    names: &'a Names<'a>,
    count: usize,
}

impl Reader<'_> {
    /// Parts separated by commas; `prefix` is the path of the reference that they belong to.
    fn parts(&mut self, lexer: &mut Lexer<'_>, prefix: &str, depth: usize) -> Result<Vec<Selection>> {
        let mut parts = Vec::new();
        loop {
            self.count += 1;
            if self.count > MAX_PARTS {
                return lexer.error(format!("at most {MAX_PARTS} parts"));
            }
            parts.push(self.part(lexer, prefix, depth)?);
            if !lexer.eat(",") {
                return Ok(parts);
            }
        }
    }

    fn part(&mut self, lexer: &mut Lexer<'_>, prefix: &str, depth: usize) -> Result<Selection> {
        let end = lexer.rest.find([',', '(', ')']).unwrap_or(lexer.rest.len());
        let word = lexer.take(end).trim();
        let (attribute, name) = match word.strip_prefix("attributes.") {
            Some(name) => (true, name),
            None => (false, word),
        };
        if name.is_empty() || name.contains('.') {
            return lexer.error(format!("expected the name of a property or attribute {}", lexer.place()));
        }
        let path = if attribute { format!("{prefix}attributes.{name}") } else { format!("{prefix}{name}") };
        let mut selection = Selection { name: name.to_owned(), attribute, expand: Vec::new() };
        if lexer.eat("(") {
            if depth == MAX_DEPTH {
                return lexer.error(format!("references expand at most {MAX_DEPTH} deep"));
            }
            self.check_reference(&path)?;
            selection.expand = self.parts(lexer, &format!("{path}."), depth + 1)?;
            lexer.expect(")")?;
        } else if attribute || !is_property(name) {
            self.names.resolve(&path, "select")?;
        }
        Ok(selection)
    }

    /// Only what refers to items can be expanded.
    fn check_reference(&self, path: &str) -> Result<()> {
        let Name::Known(target) = self.names.resolve(path, "select")? else { return Ok(()) };
        if target.is_reference {
            Ok(())
        } else {
            Err(Error::malformed_at("select", format!("'{path}' refers to no item that could be expanded")))
        }
    }
}

/// What every item has and shows; some of it can not be filtered.
fn is_property(name: &str) -> bool {
    matches!(name, "tags" | "location" | "attributes") || property(name, &[]).is_some()
}
