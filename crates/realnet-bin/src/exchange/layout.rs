//! Where in an export what stands. Names are made of names of types, which are letters, digits, `_` and `-`, and of ids: whatever
//! else an archive or a folder holds is no part of an export.

use std::str::FromStr;

use realnet_core::Uuid;
use realnet_provider_generic::Codec;
use realnet_provider_json::JsonCodec;
use realnet_provider_xml::XmlCodec;
use realnet_provider_yaml::YamlCodec;

/// What an export says of itself.
pub const HEAD: &str = "realnet-export.json";

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// XML.
    Xml,
}

impl Form {
    /// How it is written and read.
    pub fn codec(self) -> &'static dyn Codec {
        match self {
            Self::Json => &JsonCodec,
            Self::Yaml => &YamlCodec,
            Self::Xml => &XmlCodec,
        }
    }

    /// Its name, which is also the ending of its files.
    pub fn name(self) -> &'static str {
        self.codec().extension()
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let forms = [Self::Json, Self::Yaml, Self::Xml];
        let found = forms.into_iter().find(|form| form.name() == text);
        found.ok_or_else(|| "expected json, yaml or xml".to_owned())
    }
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// [`HEAD`].
    Head,
    /// The declaration of a type.
    Type(String, Form),
    /// An item of a type.
    Item(String, Uuid, Form),
    /// The bytes of a file.
    Data(Uuid),
}

/// What a path within an export is; `None`: it has no place there.
pub fn place(path: &str) -> Option<Place> {
    let document = |name: &str| -> Option<(String, Form)> {
        let (stem, ending) = name.rsplit_once('.')?;
        Some((stem.to_owned(), ending.parse().ok()?))
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [HEAD] => Some(Place::Head),
        ["types", name] => {
            let (name, form) = document(name)?;
            is_name(&name).then_some(Place::Type(name, form))
        }
        ["items", type_name, name] if is_name(type_name) => {
            let (stem, form) = document(name)?;
            Some(Place::Item((*type_name).to_owned(), id(&stem)?, form))
        }
        ["data", name] => id(name).map(Place::Data),
        _ => None,
    }
}

/// Whether a path is that of a folder of an export.
pub fn is_folder(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["" | "types" | "items" | "data"] => true,
        ["items", type_name] => is_name(type_name),
        _ => false,
    }
}

/// The path of the declaration of a type; `None` where no file can have its name.
pub fn of_type(name: &str, form: Form) -> Option<String> {
    is_name(name).then(|| format!("types/{name}.{}", form.name()))
}

/// The path of the document of an item.
pub fn of_item(type_name: &str, id: Uuid, form: Form) -> Option<String> {
    is_name(type_name).then(|| format!("items/{type_name}/{id}.{}", form.name()))
}

/// The path of the bytes of a file.
pub fn of_data(id: Uuid) -> String {
    format!("data/{id}")
}

/// Ids have one form in names: another would be another name of the same.
fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)
}

fn is_name(text: &str) -> bool {
    // An archive has room for 100 bytes, with the ending.
    text.len() <= 95
        && text.starts_with(char::is_alphabetic)
        && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_back_to_what_they_are_of() {
        let id = Uuid::from_u128(7);
        for form in [Form::Json, Form::Yaml, Form::Xml] {
            assert_eq!(place(&of_type("Täsk", form).unwrap()), Some(Place::Type("Täsk".to_owned(), form)));
            assert_eq!(
                place(&of_item("Note", id, form).unwrap()),
                Some(Place::Item("Note".to_owned(), id, form))
            );
        }
        assert_eq!((place(&of_data(id)), place(HEAD)), (Some(Place::Data(id)), Some(Place::Head)));
        for name in ["..", "a/b", "", ".git", "a b"] {
            assert_eq!((of_type(name, Form::Json), of_item(name, id, Form::Json)), (None, None), "{name}");
        }
    }

    #[test]
    fn what_has_no_place_is_none() {
        let id = Uuid::from_u128(0xa);
        for path in [
            "../x".to_owned(),
            "/etc/passwd".to_owned(),
            "notes.txt".to_owned(),
            "types/../x.json".to_owned(),
            "types/Note.toml".to_owned(),
            "types/a/Note.json".to_owned(),
            format!("items/../{id}.json"),
            format!("items/Note/{id}"),
            format!("items/Note/x/{id}.json"),
            format!("items/Note/{}.json", id.to_string().to_uppercase()),
            format!("data/{id}.json"),
            format!("data/../{id}"),
            format!("./data/{id}"),
        ] {
            assert_eq!(place(&path), None, "{path}");
        }
    }
}
