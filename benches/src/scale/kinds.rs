//! The kinds of single requests, each made anew from a note chosen at random, so that all find something.

use crate::load::notes::{Note, Random, STATES};
use crate::load::realnet::Who;

/// What the requests are made from.
#[derive(Debug, Default)]
pub struct Notes {
    /// The ids of all notes, in the order of their numbers.
    pub ids: Vec<String>,
    /// Paths of pages in the second half of the list, the newest first.
    pub deep: Vec<String>,
    /// The same by priority.
    pub deep_by_priority: Vec<String>,
}

impl Notes {
    fn any<'a, T>(all: &'a [T], random: &mut Random) -> &'a T {
        &all[random.below(all.len() as u64) as usize]
    }

    fn note(&self, random: &mut Random) -> Note {
        Note::number(random.below(self.ids.len() as u64))
    }
}

/// A kind of request.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in the report.
    pub name: &'static str,
    /// Who asks.
    pub who: Who,
    /// A page of a list, which must cost the same on many rows as on few.
    pub is_page: bool,
    /// The least number of items in an answer.
    pub at_least: usize,
    /// Makes the path of the next one.
    pub path: fn(&Notes, &mut Random) -> String,
}

/// A page of 50 that must cost the same however many rows there are.
const fn page(name: &'static str, path: fn(&Notes, &mut Random) -> String) -> Kind {
    Kind { name, who: Who::User, is_page: true, at_least: 50, path }
}

/// Something whose cost may depend on how much matches.
const fn search(name: &'static str, path: fn(&Notes, &mut Random) -> String) -> Kind {
    Kind { name, who: Who::User, is_page: false, at_least: 1, path }
}

/// A page asked for by somebody else.
const fn asked_by(who: Who, name: &'static str, path: fn(&Notes, &mut Random) -> String) -> Kind {
    Kind { who, ..page(name, path) }
}

/// How many notes are shared with the guest.
pub const SHARED: u64 = 100;

/// The order of the pages [`Notes::deep`].
pub const NEWEST: &str = "/api/memo?order=created_at.desc&limit=50";
/// The order of the pages [`Notes::deep_by_priority`].
pub const BY_PRIORITY: &str = "/api/memo?order=priority.desc&limit=50";

fn state(random: &mut Random) -> &'static str {
    STATES[random.below(4) as usize]
}

fn near(notes: &Notes, random: &mut Random, metres: u32) -> String {
    let [longitude, latitude] = notes.note(random).place;
    format!("/api/memo?near={longitude},{latitude},{metres}&limit=50")
}

/// All kinds, in the order of the report.
pub const KINDS: [Kind; 24] = [
    search("get", |notes, random| format!("/api/memo/{}", Notes::any(&notes.ids, random))),
    // Those that are compared stand side by side: the machine is alike for both.
    page("list, newest first", |_, _| NEWEST.to_owned()),
    asked_by(Who::Superuser, "superuser: newest first", |_, _| NEWEST.to_owned()),
    page("list, by priority", |_, _| BY_PRIORITY.to_owned()),
    asked_by(Who::Superuser, "superuser: by priority", |_, _| BY_PRIORITY.to_owned()),
    page("deep page, newest first", |notes, random| Notes::any(&notes.deep, random).clone()),
    page("deep page, by priority", |notes, random| Notes::any(&notes.deep_by_priority, random).clone()),
    page("state = …, newest first", |_, random| format!("{NEWEST}&state=eq.{}", state(random))),
    page("state = …, by priority", |_, random| format!("{BY_PRIORITY}&state=eq.{}", state(random))),
    page("state in (two)", |_, _| format!("{NEWEST}&state=in.(open,done)")),
    search("state = …, with total", |_, random| format!("{NEWEST}&state=eq.{}&count=exact", state(random))),
    search("priority = …", |notes, random| {
        format!("/api/memo?priority=eq.{}&limit=50", notes.note(random).priority)
    }),
    search("priority ≥ …, by priority", |notes, random| {
        format!("/api/memo?priority=gte.{}&order=priority&limit=50", notes.note(random).priority)
    }),
    search("priority ≥ …, newest first", |notes, random| {
        format!("{NEWEST}&priority=gte.{}", notes.note(random).priority)
    }),
    search("search, rare word", |notes, random| {
        format!("/api/memo?search={}&limit=50", notes.note(random).rare_word())
    }),
    search("search, common word", |_, _| "/api/memo?search=winter&limit=50".to_owned()),
    search("search, two common words", |_, _| "/api/memo?search=winter+river&limit=50".to_owned()),
    search("near, 20 km", |notes, random| near(notes, random, 20_000)),
    search("near, 200 km", |notes, random| near(notes, random, 200_000)),
    search("near, 2000 km", |notes, random| near(notes, random, 2_000_000)),
    asked_by(Who::Guest, "guest: newest first", |_, _| NEWEST.to_owned()),
    asked_by(Who::Guest, "guest: by priority", |_, _| BY_PRIORITY.to_owned()),
    asked_by(Who::Guest, "guest: with total", |_, _| format!("{NEWEST}&count=exact")),
    Kind {
        at_least: 1,
        ..asked_by(Who::Guest, "guest: common word", |_, _| "/api/memo?search=winter&limit=50".to_owned())
    },
];

/// Lists of one to whom a rule gives everything, and the same of one to whom no rule applies.
pub const UNDER_RULES: [(&str, &str); 2] =
    [("list, newest first", "superuser: newest first"), ("list, by priority", "superuser: by priority")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_a_path_and_names_are_distinct() {
        let notes = Notes {
            ids: (0..100).map(|number| format!("id{number}")).collect(),
            deep: vec!["/api/memo?deep".to_owned()],
            deep_by_priority: vec!["/api/memo?deeper".to_owned()],
        };
        for (index, kind) in KINDS.iter().enumerate() {
            let path = (kind.path)(&notes, &mut Random::new(1));
            assert!(path.starts_with("/api/memo") && path.is_ascii() && !path.contains(' '), "{path}");
            assert!(KINDS[..index].iter().all(|other| other.name != kind.name), "{}", kind.name);
        }
        for name in UNDER_RULES.iter().flat_map(|(under, free)| [under, free]) {
            assert!(KINDS.iter().any(|kind| kind.name == *name), "{name}");
        }
    }
}
