//! What is kept from whoever plans: fields that it may not read, and secrets, which nobody reads. A plan does not compare the
//! document with what others gave to them, so it neither shows nor confirms that.

use super::flat::Flat;
use super::mask::is_marked_by;
use crate::acl::Caller;
use crate::registry::TypeInfo;

/// The paths of a type's items that a caller is not shown.
pub(super) struct Hidden<'a> {
    paths: Vec<String>,
    secrets: Vec<String>,
    caller: &'a Caller,
}

impl<'a> Hidden<'a> {
    pub(super) fn of(info: &TypeInfo, caller: &'a Caller) -> Self {
        let paths = info.hidden_from(caller).map(path_of).collect();
        let secrets = info.secrets().map(|field| path_of(&field.field.name)).collect();
        Self { paths, secrets, caller }
    }

    /// All of them.
    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The names of attributes among `paths` that are hidden.
    pub(super) fn names<'p>(&self, paths: &'p [String]) -> Vec<&'p str> {
        let hidden = paths.iter().filter(|path| self.paths.contains(path));
        hidden.filter_map(|path| path.strip_prefix("attributes/")).collect()
    }

    /// Parts a record into what `document` is compared with, and what it leaves as it is. Of hidden paths only secrets that
    /// this caller gave are compared: it knows them. What others gave, or what can not be told apart from that, is replaced
    /// whatever it was where the document speaks of it, and stays where it does not. With `force`, which overwrites what was
    /// changed by hand, own secrets are written again: whether a hand has changed them is not known.
    pub(super) fn part(&self, recorded: Flat, document: &Flat, force: bool) -> (Flat, Flat) {
        let (hidden, mut compared): (Flat, Flat) =
            recorded.into_iter().partition(|(path, _)| self.paths.contains(path));
        let mut left = Flat::new();
        for (path, value) in hidden {
            let is_said = document.contains_key(&path);
            let is_own = self.secrets.contains(&path) && is_marked_by(&value, self.caller);
            if is_own && !(force && is_said) {
                compared.insert(path, value);
            } else if !is_said {
                left.insert(path, value);
            }
        }
        (compared, left)
    }
}

fn path_of(name: &str) -> String {
    format!("attributes/{name}")
}
