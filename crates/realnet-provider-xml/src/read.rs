//! Reading: the elements of the mapping, and nothing else. No document type, so no entity of its own, is looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use realnet_core::model::Map;
use realnet_core::model::value::MAX_DEPTH;
use realnet_provider_generic::Fault;
use serde_json::Value;

use crate::{BASE64, BASE64_KEY, KEY, NAMESPACE};

/// Whether XML has a character.
pub(crate) const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// The value of a document.
pub(crate) fn read(text: &[u8]) -> Result<Value, Fault> {
    let source =
        std::str::from_utf8(text).map_err(|error| Fault::at(text, error.valid_up_to(), "is no UTF-8"))?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if let Some((at, _)) = source.char_indices().find(|(_, character)| !is_character(*character)) {
        return Err(Fault::at(source.as_bytes(), at, "holds a character that XML does not have"));
    }
    let mut parser = Parser { text: source, reader: Reader::from_str(source), begin: 0 };
    let value = parser.document()?;
    Ok(value)
}

struct Parser<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    /// Where the present event begins.
    begin: usize,
}

/// What an element says of itself.
#[derive(Default)]
struct Tag {
    key: Option<String>,
    is_encoded: bool,
}

impl<'t> Parser<'t> {
    fn fault(&self, message: impl Into<String>) -> Fault {
        // What stands between an element and the one before is not what is wrong.
        let rest = &self.text[self.begin.min(self.text.len())..];
        let space = rest.len() - rest.trim_start().len();
        Fault::at(self.text.as_bytes(), self.begin + space, message)
    }

    /// The next event that counts.
    fn next(&mut self) -> Result<Event<'t>, Fault> {
        loop {
            self.begin = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            match self.reader.read_event() {
                Ok(Event::Comment(_) | Event::PI(_)) => {}
                Ok(Event::DocType(_)) => return Err(self.fault("a document type is not read")),
                Ok(event) => return Ok(event),
                Err(error) => {
                    self.begin = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                    return Err(self.fault(error.to_string()));
                }
            }
        }
    }

    fn document(&mut self) -> Result<Value, Fault> {
        let mut is_begun = false;
        let value = loop {
            match self.next()? {
                Event::Decl(declaration) if !is_begun => self.check_declaration(&declaration)?,
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Start(start) => break self.root(&start, false)?,
                Event::Empty(start) => break self.root(&start, true)?,
                Event::Eof => return Err(self.fault("there is no element")),
                _ => return Err(self.fault("expected an element")),
            }
            is_begun = true;
        };
        loop {
            match self.next()? {
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Eof => return Ok(value),
                _ => return Err(self.fault("there is more than one element")),
            }
        }
    }

    fn check_declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Fault> {
        let version = declaration.version().map_err(|error| self.fault(error.to_string()))?;
        if &*version != "1.0" {
            return Err(self.fault("expected XML 1.0"));
        }
        match declaration.encoding() {
            Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => {
                Err(self.fault("expected UTF-8"))
            }
            Some(Err(error)) => Err(self.fault(error.to_string())),
            _ => Ok(()),
        }
    }

    fn root(&mut self, start: &BytesStart<'t>, is_empty: bool) -> Result<Value, Fault> {
        let mut has_namespace = false;
        let tag = self.tag(start, |name, value| {
            has_namespace = name == "xmlns" && value == NAMESPACE;
            has_namespace
        })?;
        if !has_namespace {
            return Err(self.fault(format!("expected xmlns=\"{NAMESPACE}\"")));
        }
        if tag.key.is_some() {
            return Err(self.fault("only members of an object have a key"));
        }
        self.value(start, &tag, is_empty, 0)
    }

    /// The attributes of an element; `other` takes those that are not of every element.
    fn tag(&self, start: &BytesStart<'_>, mut other: impl FnMut(&str, &str) -> bool) -> Result<Tag, Fault> {
        let mut tag = Tag::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.fault(error.to_string()))?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value = value.map_err(|error| self.fault(error.to_string()))?;
            let name: &str = attribute.key.as_ref();
            match name {
                KEY | BASE64_KEY if tag.key.is_some() => return Err(self.fault("has two keys")),
                KEY => tag.key = Some(self.held(value.into_owned())?),
                BASE64_KEY => tag.key = Some(self.decoded(&value)?),
                "encoding" if *value == *BASE64 && start.name().as_ref() == "string" => tag.is_encoded = true,
                _ if other(name, &value) => {}
                _ => return Err(self.fault(format!("the attribute {name}=\"{value}\" is not known"))),
            }
        }
        Ok(tag)
    }

    /// A text as it was referred to by numbers, if XML has its characters.
    fn held(&self, text: String) -> Result<String, Fault> {
        if text.chars().all(is_character) {
            Ok(text)
        } else {
            Err(self.fault("refers to a character that XML does not have"))
        }
    }

    fn decoded(&self, text: &str) -> Result<String, Fault> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| self.fault("expected base64"))?;
        String::from_utf8(bytes).map_err(|_| self.fault("expected the base64 of UTF-8"))
    }

    fn value(
        &mut self,
        start: &BytesStart<'t>,
        tag: &Tag,
        is_empty: bool,
        depth: usize,
    ) -> Result<Value, Fault> {
        let qualified = start.name();
        let name: &str = qualified.as_ref();
        match name {
            "object" | "list" if depth >= MAX_DEPTH => {
                Err(self.fault(format!("nested deeper than {MAX_DEPTH} levels")))
            }
            "object" => self.object(is_empty, depth + 1).map(Value::Object),
            "list" => self.list(is_empty, depth + 1).map(Value::Array),
            "string" if tag.is_encoded => {
                let text = self.content(is_empty)?;
                self.decoded(&text).map(Value::String)
            }
            "string" => self.content(is_empty).map(Value::String),
            "number" => {
                let text = self.content(is_empty)?;
                let number = text.trim().parse::<serde_json::Number>();
                number.map(Value::Number).map_err(|_| self.fault("expected a number as JSON writes it"))
            }
            "boolean" => match self.content(is_empty)?.trim() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(self.fault("expected true or false")),
            },
            "null" => match self.content(is_empty)?.trim() {
                "" => Ok(Value::Null),
                _ => Err(self.fault("<null> holds nothing")),
            },
            other => Err(self.fault(format!(
                "<{other}> is not known: expected object, list, string, number, boolean or null"
            ))),
        }
    }

    fn object(&mut self, is_empty: bool, depth: usize) -> Result<Map, Fault> {
        let mut members = Map::new();
        while let Some((start, is_empty)) = self.child(is_empty)? {
            let tag = self.tag(&start, |_, _| false)?;
            let Some(key) = tag.key.clone() else {
                return Err(self.fault("a member of an object has a key"));
            };
            if members.contains_key(&key) {
                return Err(self.fault(format!("the key '{key}' stands twice")));
            }
            let value = self.value(&start, &tag, is_empty, depth)?;
            members.insert(key, value);
        }
        Ok(members)
    }

    fn list(&mut self, is_empty: bool, depth: usize) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::new();
        while let Some((start, is_empty)) = self.child(is_empty)? {
            let tag = self.tag(&start, |_, _| false)?;
            if tag.key.is_some() {
                return Err(self.fault("only members of an object have a key"));
            }
            values.push(self.value(&start, &tag, is_empty, depth)?);
        }
        Ok(values)
    }

    /// The next element within one, and whether it is empty; `None` at its end.
    fn child(&mut self, is_empty: bool) -> Result<Option<(BytesStart<'t>, bool)>, Fault> {
        if is_empty {
            return Ok(None);
        }
        loop {
            match self.next()? {
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Start(start) => return Ok(Some((start, false))),
                Event::Empty(start) => return Ok(Some((start, true))),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err(self.fault("an element does not end")),
                _ => return Err(self.fault("expected an element")),
            }
        }
    }

    /// The text of an element that holds nothing else.
    fn content(&mut self, is_empty: bool) -> Result<String, Fault> {
        let mut content = String::new();
        if is_empty {
            return Ok(content);
        }
        loop {
            match self.next()? {
                Event::Text(text) => content.push_str(&text.xml10_content()),
                Event::CData(text) => content.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => self.resolve(&reference, &mut content)?,
                Event::End(_) => return Ok(content),
                Event::Eof => return Err(self.fault("an element does not end")),
                _ => return Err(self.fault("expected text")),
            }
        }
    }

    fn resolve(&self, reference: &BytesRef<'_>, content: &mut String) -> Result<(), Fault> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) if is_character(character) => content.push(character),
            Ok(Some(_)) => return Err(self.fault("refers to a character that XML does not have")),
            Ok(None) => match resolve_predefined_entity(reference) {
                Some(text) => content.push_str(text),
                None => return Err(self.fault(format!("the entity &{}; is not known", &**reference))),
            },
            Err(error) => return Err(self.fault(error.to_string())),
        }
        Ok(())
    }
}
