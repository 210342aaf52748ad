//! Reading the private log: what no document says, and what the types were when a server had them last.

use std::collections::HashSet;
use std::path::Path;

use realnet_core::error::{Error, Result};
use realnet_core::provider::StoreRecord;

use super::journal::Left;
use super::layout::PRIVATE;
use super::lines::{Lines, Log};
use super::load::{Extent, is_of_types};
use super::{log, wire};
use crate::memory::{Effect, State};

/// The name of the log of private values.
pub(super) const PRIVATE_LOG: &str = "private.log";

/// What the log holds beside the private values.
pub(super) struct Private {
    /// Its lengths.
    pub(super) extent: Extent,
    /// What stands behind its good part, and was cut short.
    pub(super) cut: Vec<u8>,
    /// The types as a server had them last. Those of the state are what the documents say.
    pub(super) types: State,
}

/// Reads the log, and puts the private values into the state.
///
/// # Errors
/// Conflict when it is damaged elsewhere than at an end that the journal has.
pub(super) fn read(root: &Path, left: &Left, state: &mut State) -> Result<Private> {
    let path = root.join(PRIVATE).join(PRIVATE_LOG);
    let log = Log::read(&path)?;
    let found = log.lines();
    if let Some(bad) = found.bad.filter(|_| !is_of_journal(&found, left)) {
        return Err(damaged(&path, bad));
    }
    let latest = log::latest(&found.whole);
    let mut types = State::default();
    for value in latest.values() {
        let effect = serde_json::from_str(value).map_err(|error| error.to_string()).and_then(wire::effect_of);
        match effect {
            Ok(effect @ Effect::Put(StoreRecord::Type(_))) => types.overlay(&effect),
            Ok(effect) => state.overlay(&effect),
            Err(why) => return Err(damaged(&path, 0).with_internal(why)),
        }
    }
    left.effects.iter().filter(|effect| is_of_types(effect)).for_each(|effect| types.overlay(effect));
    let extent = Extent { good: found.good, live: log::length(&latest) };
    Ok(Private { extent, cut: log.rest(found.good).to_vec(), types })
}

/// Whether all that stands behind the good part of the log was being written when the process ended: then the journal has it. A
/// power cut may leave a later part of what was written last, and not an earlier one.
fn is_of_journal(found: &Lines<'_>, left: &Left) -> bool {
    if left.effects.is_empty() {
        return false;
    }
    if found.behind.is_empty() {
        return true;
    }
    let lines = left.effects.iter().filter_map(|effect| wire::private_line(effect).ok().flatten());
    let names: HashSet<String> = lines.map(|(name, _)| name).collect();
    found.behind.iter().all(|line| names.contains(log::name(line)))
}

fn damaged(path: &Path, line: usize) -> Error {
    Error::conflict(format!("{} is damaged in line {line}: restore it from a backup", path.display()))
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;
    use serde_json::json;

    use super::super::{lines, shape};
    use super::*;
    use crate::memory::Touch;

    fn setting(name: &str) -> Effect {
        Effect::Put(StoreRecord::Setting { name: name.to_owned(), value: vec![1] })
    }

    fn log_of<'e>(effects: impl IntoIterator<Item = &'e Effect>) -> Vec<u8> {
        let mut text = Vec::new();
        for effect in effects {
            let (name, value) = wire::private_line(effect).unwrap().unwrap();
            lines::add(&mut text, &format!("{name}\t{value}"));
        }
        text
    }

    fn read_log(text: &[u8], effects: Vec<Effect>) -> Result<(State, Private)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(PRIVATE)).unwrap();
        std::fs::write(folder.path().join(PRIVATE).join(PRIVATE_LOG), text).unwrap();
        let mut left = Left::default();
        left.effects = effects;
        let mut state = State::default();
        let private = read(folder.path(), &left, &mut state)?;
        Ok((state, private))
    }

    /// What is read of a log, with a journal of these settings: the settings, and how much was cut off.
    fn settings(text: &[u8], journaled: &[&str]) -> Result<(Vec<String>, usize)> {
        let (state, private) = read_log(text, journaled.iter().map(|name| setting(name)).collect())?;
        let Private { extent, cut, .. } = private;
        assert_eq!(extent.good as usize + cut.len(), text.len());
        assert_eq!(extent.live, extent.good);
        let mut names: Vec<String> = state.settings.into_keys().collect();
        names.sort();
        Ok((names, cut.len()))
    }

    #[test]
    fn damage_of_private_values_is_no_end_that_was_cut_short() {
        let text = log_of(&["a", "b", "c"].map(setting));
        let third = text.len() / 3;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(settings(&text, &[]).unwrap(), (names(&["a", "b", "c"]), 0));
        // What was being written is in the journal.
        let torn = &text[..text.len() - 5];
        assert_eq!(settings(torn, &["c"]).unwrap(), (names(&["a", "b"]), third - 5));
        assert!(settings(torn, &[]).unwrap_err().message().contains("damaged in line 3"));
        let mut damaged = text.clone();
        damaged[third + 12] ^= 1;
        for journaled in [&[][..], &["b"], &["x"]] {
            assert!(settings(&damaged, journaled).unwrap_err().message().contains("damaged in line 2"));
        }
        // A power cut has kept a later part of what was written last.
        assert_eq!(settings(&damaged, &["b", "c"]).unwrap(), (names(&["a"]), 2 * third));
    }

    #[test]
    fn types_are_what_the_server_had_and_none_of_the_state() {
        let info = |number: u128, name: &str| {
            let info = shape::type_definition(json!({}), None, name, Uuid::from_u128(number)).unwrap();
            Effect::Put(StoreRecord::Type(Box::new(info)))
        };
        let known = |text: &[u8], effects: Vec<Effect>| {
            let (state, private) = read_log(text, effects).unwrap();
            assert!(state.types.is_empty(), "that is for the documents to say");
            private.types.types.into_values().map(|info| info.name).collect::<Vec<_>>()
        };
        let renamed = [Effect::Gone(Touch::Type(Uuid::from_u128(2), None, "B".to_owned())), info(2, "D")];
        let text = log_of(&[info(1, "A"), info(2, "B"), info(3, "C")]);
        assert_eq!(known(&text, Vec::new()), ["A", "B", "C"]);
        let with_renamed = [text.clone(), log_of(&renamed)].concat();
        assert_eq!(known(&with_renamed, Vec::new()), ["A", "D", "C"]);
        assert_eq!(known(&text, renamed.to_vec()), ["A", "D", "C"]);
    }
}
