//! Where in the folder what stands. Names of files are made of ids and of names of types, which are letters, digits, `_` and
//! `-`; nothing else that comes from outside gets into a path.

use realnet_core::Uuid;
use realnet_core::change::SourceKind;

use crate::memory::Touch;

/// The file that says that a folder is a store, and in which format.
pub(super) const MARK: &str = "realnet-store";
/// What is not for people, and not for git.
pub(super) const PRIVATE: &str = ".realnet";
/// Folders of documents, in the order in which they are read.
pub(super) const FOLDERS: [&str; 5] = ["types", "directory", "items", "sources", "changes"];
/// Grants of orgs on types, within the directory.
const ACCESS: &str = "access";
/// So many changes are in one file.
pub(super) const SEGMENT: i64 = 1000;

/// The types of the system that say who is who.
const DIRECTORY: [&str; 7] = ["Account", "AccountGroup", "AccountRole", "Group", "Org", "Role", "RoleApp"];

/// What a document is about, as its path tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// An item.
    Item(Uuid),
    /// A type of a layer, by name.
    Type(Option<Uuid>, String),
    /// The grants of an org on types.
    Grants(Uuid),
    /// What was applied to an object.
    Source(Option<Uuid>, SourceKind, Uuid),
}

impl Place {
    /// The item that stands there.
    pub(super) fn item(&self) -> Option<Uuid> {
        match self {
            Self::Item(id) => Some(*id),
            _ => None,
        }
    }
}

/// The path of an item's document.
pub(super) fn item(id: Uuid, type_name: &str, extension: &str) -> String {
    let top = if DIRECTORY.contains(&type_name) { "directory" } else { "items" };
    // The name of a type that is gone may not be known.
    let folder = if is_name(type_name) { type_name } else { "Item" };
    format!("{top}/{folder}/{id}.{extension}")
}

/// The path of the document of a touched value, if it has one.
pub(super) fn document(touch: &Touch, extension: &str) -> Option<String> {
    Some(match touch {
        Touch::Item(id, type_name) => item(*id, type_name, extension),
        Touch::Type(_, None, name) => format!("types/{name}.{extension}"),
        Touch::Type(_, Some(org), name) => format!("types/{org}/{name}.{extension}"),
        Touch::Grants(org) => format!("directory/{ACCESS}/{org}.{extension}"),
        Touch::Source((org, kind, object)) => {
            let layer = org.map_or_else(|| "system".to_owned(), |org| org.to_string());
            let kind = match kind {
                SourceKind::Type => "type",
                SourceKind::Item => "item",
            };
            format!("sources/{layer}/{kind}-{object}.{extension}")
        }
        _ => return None,
    })
}

/// The path of the file that holds a change.
pub(super) fn segment(org: Uuid, revision: i64) -> String {
    format!("changes/{org}/{:010}.jsonl", first_of_segment(revision))
}

/// The first revision in the file that holds a revision.
pub(super) fn first_of_segment(revision: i64) -> i64 {
    (revision - 1) / SEGMENT * SEGMENT + 1
}

/// What a path stands for; the reason when it is none of ours.
pub(super) fn place(path: &str, extension: &str) -> Result<Place, String> {
    let stem = path
        .strip_suffix(extension)
        .and_then(|stem| stem.strip_suffix('.'))
        .ok_or_else(|| format!("documents here end with .{extension}"))?;
    let parts: Vec<&str> = stem.split('/').collect();
    match parts.as_slice() {
        ["types", name] if is_name(name) => Ok(Place::Type(None, (*name).to_owned())),
        ["types", org, name] if is_name(name) => Ok(Place::Type(Some(id(org)?), (*name).to_owned())),
        ["directory", ACCESS, org] => Ok(Place::Grants(id(org)?)),
        ["directory" | "items", folder, name] if is_name(folder) => Ok(Place::Item(id(name)?)),
        ["sources", layer, name] => {
            let org = if *layer == "system" { None } else { Some(id(layer)?) };
            match name.split_once('-') {
                Some(("type", object)) => Ok(Place::Source(org, SourceKind::Type, id(object)?)),
                Some(("item", object)) => Ok(Place::Source(org, SourceKind::Item, id(object)?)),
                _ => Err("expected type-ID or item-ID as its name".to_owned()),
            }
        }
        _ => Err("no document has its place there".to_owned()),
    }
}

/// Ids in names have the one form that the store writes: another would be another name of the same document.
fn id(text: &str) -> Result<Uuid, String> {
    let parsed = Uuid::parse_str(text).ok().filter(|id| id.to_string() == text);
    parsed
        .ok_or_else(|| format!("'{text}' is no id: documents of items are named by their ids, in lower case"))
}

fn is_name(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_back_to_what_they_are_of() {
        let (id, org) = (Uuid::from_u128(7), Uuid::from_u128(8));
        for (touch, expected) in [
            (Touch::Item(id, "Task".into()), Place::Item(id)),
            (Touch::Item(id, "Account".into()), Place::Item(id)),
            (Touch::Type(id, None, "Task".into()), Place::Type(None, "Task".into())),
            (Touch::Type(id, Some(org), "Täsk".into()), Place::Type(Some(org), "Täsk".into())),
            (Touch::Grants(org), Place::Grants(org)),
            (Touch::Source((None, SourceKind::Type, id)), Place::Source(None, SourceKind::Type, id)),
            (
                Touch::Source((Some(org), SourceKind::Item, id)),
                Place::Source(Some(org), SourceKind::Item, id),
            ),
        ] {
            let path = document(&touch, "json").unwrap();
            assert_eq!(place(&path, "json"), Ok(expected), "{path}");
        }
        assert!(item(id, "Account", "json").starts_with("directory/Account/"));
        assert!(item(id, "../../etc", "json").starts_with("items/Item/"));
        assert_eq!(document(&Touch::Setting("x".into()), "json"), None);
    }

    #[test]
    fn what_is_not_ours_is_told() {
        for path in [
            "items/Task/note.json",
            "items/x.json",
            "items/Task/0.yaml",
            "sources/a/b.json",
            "items/a/b/c.json",
        ] {
            assert!(place(path, "json").is_err(), "{path}");
        }
        let upper = format!("items/Task/{}.json", Uuid::from_u128(0xabc).to_string().to_uppercase());
        assert!(place(&upper, "json").is_err());
    }

    #[test]
    fn segments_hold_a_thousand() {
        let org = Uuid::nil();
        assert_eq!(segment(org, 1), segment(org, 1000));
        assert_ne!(segment(org, 1000), segment(org, 1001));
        assert!(segment(org, 1001).ends_with("/0000001001.jsonl"));
    }
}
