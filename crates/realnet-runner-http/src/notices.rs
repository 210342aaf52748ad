//! What is odd about a request without being wrong: names that no type declares, which an undeclared attribute may have, but
//! which look mistyped. Stands beside the handlers of lists and, with `written`, of writes: the answer carries the notices in a
//! header of its own.
//!
//! Costs nothing for names that are known: those are told apart without an allocation, and only the others are looked into.

mod written;

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::nearest;
use realnet_core::query::LIST_PARAMETERS;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::ListRequest;

pub(crate) use written::{Written, base_of};

/// Sentences as quoted strings, separated by commas (a list of RFC 9651).
const NOTICE: HeaderName = HeaderName::from_static("realnet-notice");
/// The most notices of an answer.
const MOST: usize = 5;
/// So many names that are not known at once are looked into: each is held against those of all types of the list.
const MOST_LOOKED_AT: usize = 20;
/// What other programs call what is called otherwise here.
const OTHER_WORDS: [(&str, &str); 9] = [
    ("sort", "order"),
    ("sort_by", "order"),
    ("order_by", "order"),
    ("q", "search"),
    ("query", "search"),
    ("per_page", "limit"),
    ("page_size", "limit"),
    ("skip", "offset"),
    ("fields", "select"),
];

/// What is odd about a request.
#[derive(Default)]
pub(crate) struct Notices {
    sentences: BTreeSet<String>,
    looked_at: usize,
}

/// Where a name stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A parameter: one with a meaning of its own, or a filter.
    Parameter,
    /// In `order` or `select`: nothing else than a field or property.
    Term,
    /// In a document that is written.
    Written,
}

impl Notices {
    /// Looks at the parameters of a list of `base`, which are taken as they are in any case.
    pub(crate) fn of(
        registry: &TypeRegistry,
        caller: &Caller,
        base: Option<&TypeInfo>,
        list: &ListRequest,
    ) -> Self {
        let mut notices = Self::default();
        let Some(base) = base else { return notices };
        let names = Names { registry, caller, base };
        for (name, value) in &list.parameters {
            match name.as_str() {
                "order" => {
                    for term in value.split(',').map(str::trim) {
                        notices.look_at(&names, first_segment(term), Place::Term);
                    }
                }
                "select" => {
                    top_level(value, |part| notices.look_at(&names, first_segment(part), Place::Term));
                }
                name if LIST_PARAMETERS.contains(&name) => {}
                "not.or" | "not.and" => {}
                name => notices.look_at(&names, first_segment(name), Place::Parameter),
            }
        }
        notices
    }

    fn look_at(&mut self, names: &Names<'_>, name: &str, place: Place) {
        let has_room = self.sentences.len() < MOST && self.looked_at < MOST_LOOKED_AT;
        if has_room && !names.is_known_at_once(name, place) && is_plain(name) {
            self.looked_at += 1;
            self.sentences.extend(names.notice(name, place));
        }
    }

    /// Says them in the header of an answer.
    pub(crate) fn mark(&self, response: &mut HttpResponse) {
        if self.sentences.is_empty() {
            return;
        }
        let sentences: Vec<String> =
            self.sentences.iter().map(|sentence| format!("\"{sentence}\"")).collect();
        // A field may have a name that no header can carry; then there is no notice.
        if let Ok(value) = HeaderValue::from_str(&sentences.join(", ")) {
            response.headers_mut().insert(NOTICE, value);
        }
    }
}

/// The names that a request may know.
struct Names<'a> {
    registry: &'a TypeRegistry,
    caller: &'a Caller,
    base: &'a TypeInfo,
}

impl Names<'_> {
    fn is_known_at_once(&self, name: &str, place: Place) -> bool {
        is_property(name) || self.declares(self.base, name, place)
    }

    /// Whether a type has a field of that name that the caller may read, or a constant. What it may not read looks like what is
    /// not there; but somebody who writes that is told by the write itself.
    fn declares(&self, info: &TypeInfo, name: &str, place: Place) -> bool {
        let is_seen = match info.field(name) {
            Some(field) => field.is_readable_by(self.caller),
            None => !info.is_hidden_from(name, self.caller),
        };
        has(info, name) && (is_seen || place == Place::Written)
    }

    /// Lists of everything know the names of all types: too many to say which one was meant.
    fn is_of_everything(&self) -> bool {
        self.registry.root().is_some_and(|root| root.id() == self.base.id())
    }

    /// Those that the caller may know of: strangers and keys of some types are told of what is built in only.
    fn derived(&self) -> impl Iterator<Item = &TypeInfo> {
        let knows_own = self.caller.knows_types();
        let derived = self.registry.derived(self.base, Some(self.caller.org));
        derived.filter(move |info| knows_own || info.org().is_none())
    }

    fn notice(&self, name: &str, place: Place) -> Option<String> {
        if self.derived().any(|info| self.declares(info, name, place)) {
            return None;
        }
        let meant = self.meant(name, place);
        if place == Place::Written {
            return meant.map(|meant| {
                format!(
                    "{name} is no declared field: is {meant} meant? It is kept as an undeclared attribute"
                )
            });
        }
        let fields = || self.derived().any(|info| !info.fields().is_empty());
        // Any item may have an undeclared attribute, and filters ask for it: only a near miss is odd.
        if meant.is_none() && (place == Place::Parameter || self.is_of_everything() || !fields()) {
            return None;
        }
        let question = meant.map(|meant| format!("is {meant} meant? ")).unwrap_or_default();
        Some(format!(
            "{name} is no declared field: {question}attributes.{name} means an undeclared attribute"
        ))
    }

    fn meant(&self, name: &str, place: Place) -> Option<String> {
        let parameters = (place == Place::Parameter).then_some(LIST_PARAMETERS).into_iter().flatten();
        let other = OTHER_WORDS.iter().find(|(other, _)| place == Place::Parameter && *other == name);
        if let Some((_, ours)) = other {
            return Some((*ours).to_owned());
        }
        let types: Vec<&TypeInfo> =
            if self.is_of_everything() { Vec::new() } else { self.derived().collect() };
        let fields = types.iter().flat_map(|info| info.fields());
        let fields =
            fields.filter(|field| field.is_readable_by(self.caller)).map(|field| field.field.name.as_str());
        let short = (place != Place::Written).then_some(SHORT_NAMES).into_iter().flatten();
        nearest(name, fields.chain(Item::PROPERTIES).chain(short).chain(parameters)).map(str::to_owned)
    }
}

/// Other names of properties in lists.
const SHORT_NAMES: [&str; 2] = ["parent", "linked_item"];

/// Whether a type has a field of that name, or a constant, its own or one of an instance.
fn has(info: &TypeInfo, name: &str) -> bool {
    info.field(name).is_some()
        || info.attributes().contains_key(name)
        || info.instances().iter().any(|instance| instance.attributes.contains_key(name))
}

fn is_property(name: &str) -> bool {
    // `attributes` is among them: `attributes.x` says itself that no type declares it.
    Item::PROPERTIES.contains(&name) || SHORT_NAMES.contains(&name)
}

/// Names that a header can carry as they are.
fn is_plain(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_part)
}

fn first_segment(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The parts of a selection that are of the listed items themselves: what is in parentheses is of others.
fn top_level(select: &str, mut part: impl FnMut(&str)) {
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, character) in select.char_indices() {
        match character {
            ',' | '(' if depth == 0 => {
                part(select[start..at].trim());
                start = at + 1;
                depth += usize::from(character == '(');
            }
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                start = at + 1;
            }
            ',' => start = at + 1,
            _ => {}
        }
    }
    if depth == 0 {
        part(select[start..].trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_parentheses_are_of_other_items() {
        let parts = |select: &str| {
            let mut found = Vec::new();
            top_level(select, |part| found.extend((!part.is_empty()).then(|| part.to_owned())));
            found
        };
        assert_eq!(parts("name, minutes"), ["name", "minutes"]);
        assert_eq!(parts("name,author(name,home(city)),pages"), ["name", "author", "pages"]);
        assert_eq!(parts("author(name"), ["author"]);
        assert!(parts("").is_empty());
    }
}
