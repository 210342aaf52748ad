//! The initialization files: those in the binary, in their order, and those of the user's folder.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use crate::cli::Failure;

/// A file's name, as messages show it, and its text.
pub type File = (String, String);

/// Core → resources → apps → access: what is referred to comes first.
const BUILTIN: [(&str, &str); 11] = [
    ("core.json", include_str!("../../static/initialization/core.json")),
    ("controls.json", include_str!("../../static/initialization/controls.json")),
    ("views.json", include_str!("../../static/initialization/views.json")),
    ("forms.json", include_str!("../../static/initialization/forms.json")),
    ("geometry.json", include_str!("../../static/initialization/geometry.json")),
    ("kubernetes.json", include_str!("../../static/initialization/kubernetes.json")),
    ("websites.json", include_str!("../../static/initialization/websites.json")),
    ("crm.json", include_str!("../../static/initialization/crm.json")),
    ("crm_apps.json", include_str!("../../static/initialization/crm_apps.json")),
    ("apps.json", include_str!("../../static/initialization/apps.json")),
    ("access.json", include_str!("../../static/initialization/access.json")),
];

/// The files in the binary.
pub fn files() -> Vec<File> {
    BUILTIN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The names of the types in the binary, in lower case.
pub fn types() -> HashSet<String> {
    let mut names = HashSet::new();
    for (_, text) in BUILTIN {
        // They are read at every start: one that could not be read would not get that far.
        let document: Value = serde_json::from_str(text).unwrap_or_default();
        add_types(&document, &mut names);
    }
    names
}

fn add_types(entry: &Value, names: &mut HashSet<String>) {
    for info in entry["types"].as_array().into_iter().flatten() {
        names.extend(info["name"].as_str().map(str::to_lowercase));
        add_types(info, names);
    }
}

/// The `.json` files of a folder: resource files before app files, by name.
pub fn folder(path: &Path) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let problem = |error: std::io::Error| format!("{}: {error}", path.display());
    for entry in std::fs::read_dir(path).map_err(problem)? {
        let file = entry.map_err(problem)?.path();
        if file.extension().is_none_or(|extension| extension != "json") {
            warn_of_other_forms(&file);
            continue;
        }
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        files.push((name, text));
    }
    files.sort_by_key(|(name, _)| (is_app_layer(name), name.clone()));
    Ok(files)
}

/// Who puts a YAML file there expects it to be read.
fn warn_of_other_forms(file: &Path) {
    let forms = ["yaml", "yml", "xml"];
    if file.extension().is_some_and(|extension| forms.iter().any(|form| extension.eq_ignore_ascii_case(form)))
    {
        tracing::warn!(file = %file.display(), "is not read: initialization files are JSON");
    }
}

fn is_app_layer(name: &str) -> bool {
    name == "apps.json" || name.ends_with("_apps.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_file_is_in_the_binary() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/static/initialization");
        let found = std::fs::read_dir(folder).unwrap().flatten();
        let found = found.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
        assert_eq!(found.count(), BUILTIN.len());
    }

    #[test]
    fn the_types_in_the_binary_are_known() {
        let names = types();
        assert!(names.len() > 100 && names.contains("task") && names.contains("crmapp"), "{}", names.len());
        assert!(!names.contains("recipe"));
    }

    #[test]
    fn a_folder_is_read_in_layers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b_apps.json", "c.json", "a.json", "notes.txt"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        let names: Vec<String> =
            super::folder(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.json", "c.json", "b_apps.json"]);
    }
}
