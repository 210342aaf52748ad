//! Files that every published crate has: a README, which is also its front page of documentation.

use cargo_metadata::Metadata;

use super::{Finding, manifests};

/// The line that makes the README the crate's documentation.
const FRONT_PAGE: &str = "#![doc = include_str!(\"../README.md\")]";

/// Checks the folders of the published crates.
pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(folder) = package.manifest_path.parent() else {
            continue;
        };
        if !manifests::is_published(package) {
            continue;
        }
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let readme = read("README.md");
        let entry = read("src/lib.rs").or_else(|| read("src/main.rs"));
        findings.extend(front_page(&package.name, readme.as_deref(), entry.as_deref()));
    }
    findings
}

fn front_page(name: &str, readme: Option<&str>, entry: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if readme.is_none_or(|text| text.trim().is_empty()) {
        findings.push(Finding::new(name, "lacks a README.md"));
    }
    if !entry.is_some_and(|text| text.contains(FRONT_PAGE)) {
        let message = format!("its lib.rs or main.rs must start with {FRONT_PAGE}");
        findings.push(Finding::new(name, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_must_be_there_and_shown() {
        assert_eq!(front_page("a", Some("# a"), Some(FRONT_PAGE)), []);
        assert_eq!(front_page("a", None, Some(FRONT_PAGE)).len(), 1);
        assert_eq!(front_page("a", Some("# a"), Some("//! a")).len(), 1);
        assert_eq!(front_page("a", Some("\n"), None).len(), 2);
    }
}
