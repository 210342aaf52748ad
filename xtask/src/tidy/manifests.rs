//! Manifests: every crate takes the shared lints, and every published one carries what the registry
//! asks for.

use cargo_metadata::{Metadata, Package};
use toml::{Table, Value};

use super::Finding;

/// Checks the manifests of the workspace.
pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        findings.extend(lints(package));
        if is_published(package) {
            findings.extend(published(package));
        }
    }
    let root = metadata.workspace_root.join("Cargo.toml");
    let text = std::fs::read_to_string(&root).unwrap_or_default();
    findings.extend(workspace(root.as_str(), &text));
    findings
}

/// Whether a crate goes to the registry.
pub fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|to| !to.is_empty())
}

/// The lints of the workspace are taken over.
fn lints(package: &Package) -> Option<Finding> {
    let text = std::fs::read_to_string(&package.manifest_path).unwrap_or_default();
    (!takes_lints(&text)).then(|| {
        let message = "the manifest lacks `[lints] workspace = true`";
        Finding::new(package.name.as_str(), message)
    })
}

fn takes_lints(manifest: &str) -> bool {
    manifest.parse::<Table>().ok().and_then(|table| table.get("lints")?.get("workspace")?.as_bool())
        == Some(true)
}

/// What the registry asks for.
fn published(package: &Package) -> Vec<Finding> {
    let mut missing = Vec::new();
    let mut expect = |met: bool, what: &str| {
        if !met {
            missing.push(Finding::new(package.name.as_str(), what));
        }
    };
    let has = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    expect(has(&package.description), "lacks a description");
    expect(has(&package.license), "lacks a license");
    expect(has(&package.repository), "lacks a repository");
    expect(package.readme.is_some(), "lacks a readme");
    expect(package.rust_version.is_some(), "lacks a rust-version");
    expect((1..=5).contains(&package.keywords.len()), "needs one to five keywords");
    expect((1..=5).contains(&package.categories.len()), "needs one to five categories");
    for dependency in &package.dependencies {
        let is_open = dependency.req.comparators.is_empty();
        // A path without a version is dropped from tests on publishing, elsewhere it is refused.
        let is_for_tests = dependency.kind == cargo_metadata::DependencyKind::Development;
        if is_open && !(is_for_tests && dependency.path.is_some()) {
            let message = format!("depends on {} without a version", dependency.name);
            missing.push(Finding::new(package.name.as_str(), message));
        }
    }
    missing
}

/// The workspace forbids unsafe code and asks for docs, and its own crates carry its version.
fn workspace(place: &str, manifest: &str) -> Vec<Finding> {
    let table = manifest.parse::<Table>().unwrap_or_default();
    let get = |path: &[&str]| -> Option<String> {
        let start: &Value = table.get("workspace")?;
        let end = path.iter().try_fold(start, |value, key| value.get(key))?;
        end.as_str().map(str::to_owned)
    };
    let mut findings = Vec::new();
    for (lint, level) in [("unsafe_code", "forbid"), ("missing_docs", "deny")] {
        if get(&["lints", "rust", lint]).as_deref() != Some(level) {
            findings.push(Finding::new(place, format!("lint {lint} must be {level}")));
        }
    }
    let version = get(&["package", "version"]);
    let dependencies = table.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    for (name, value) in dependencies.into_iter().flatten() {
        let own = value.get("path").is_some();
        let asked = value.get("version").and_then(Value::as_str);
        if own && asked != version.as_deref() {
            let message = format!("{name} must be asked for in the workspace's own version");
            findings.push(Finding::new(place, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const WORKSPACE: &str = r#"
        [workspace.package]
        version = "1.2.3"
        [workspace.lints.rust]
        unsafe_code = "forbid"
        missing_docs = "deny"
        [workspace.dependencies]
        own = { path = "crates/own", version = "1.2.3" }
        other = "4"
    "#;

    fn package(change: impl FnOnce(&mut Json)) -> Package {
        let mut value = json!({
            "name": "a", "version": "0.1.0", "id": "a", "targets": [], "features": {},
            "manifest_path": "/p/Cargo.toml", "source": null, "license_file": null,
            "description": "What it is.", "license": "MIT", "repository": "https://example.org",
            "readme": "README.md", "rust_version": "1.90.0", "keywords": ["k"],
            "categories": ["database"],
            "dependencies": [{
                "name": "b", "req": "^1", "kind": null, "optional": false,
                "uses_default_features": true, "features": [], "source": null, "target": null,
                "rename": null, "registry": null
            }]
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_complete_manifest_is_fine() {
        assert_eq!(published(&package(|_| {})), []);
        assert_eq!(workspace("Cargo.toml", WORKSPACE), []);
    }

    #[test]
    fn each_missing_field_is_found() {
        for field in ["description", "license", "repository", "readme", "rust_version"] {
            let found = published(&package(|value| value[field] = Json::Null));
            assert_eq!(found.len(), 1, "{field}");
        }
        for field in ["keywords", "categories"] {
            let found = published(&package(|value| value[field] = json!([])));
            assert_eq!(found.len(), 1, "{field}");
        }
    }

    #[test]
    fn a_dependency_without_a_version_is_found() {
        let found = published(&package(|value| value["dependencies"][0]["req"] = json!("*")));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn lints_must_be_taken_over() {
        assert!(takes_lints("[lints]\nworkspace = true"));
        assert!(!takes_lints("[lints.rust]\nunsafe_code = \"forbid\""));
        assert!(!takes_lints("[package]\nname = \"a\""));
    }

    #[test]
    fn weakened_lints_and_other_versions_are_found() {
        let weak = WORKSPACE.replace("forbid", "deny");
        assert_eq!(workspace("Cargo.toml", &weak).len(), 1);
        let old = WORKSPACE.replace("own\", version = \"1.2.3\"", "own\", version = \"1.2.2\"");
        assert_eq!(workspace("Cargo.toml", &old).len(), 1);
    }

    #[test]
    fn unpublished_crates_are_told_apart() {
        assert!(is_published(&package(|_| {})));
        assert!(!is_published(&package(|value| value["publish"] = json!([]))));
    }
}
