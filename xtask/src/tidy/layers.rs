//! The layers: arrows point down only, bin → {runner, resource, provider} → core, and the libraries
//! of one layer stay out of the others. Dependencies of tests may point anywhere.

use std::collections::{HashMap, HashSet};

use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};

use super::Finding;

/// A layer of the architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// Types, traits and rules, without I/O.
    Core,
    /// Storage behind core's traits.
    Provider,
    /// Domain rules on core's traits.
    Resource,
    /// A protocol in, an operation out.
    Runner,
    /// The REST API as a Rust library.
    Client,
    /// Suites and engines for tests.
    Testkit,
    /// Wires the others.
    Bin,
    /// Unpublished: chores and benchmarks.
    Chore,
}

/// Libraries that may stand nowhere below a crate of a layer.
const FOREIGN: &[(Layer, &[&str])] = &[
    (
        Layer::Core,
        &[
            "actix-web",
            "diesel",
            "hyper",
            "kube",
            "libsqlite3-sys",
            "reqwest",
            "rusoto_core",
            "tokio",
            "tokio-postgres",
        ],
    ),
    (Layer::Resource, &["actix-web", "diesel", "libsqlite3-sys", "tokio-postgres"]),
    (Layer::Runner, &["diesel", "libsqlite3-sys", "tokio-postgres"]),
    (Layer::Provider, &["actix-web"]),
    (Layer::Client, &["actix-web", "diesel"]),
];

/// Checks the crates of the workspace.
pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    let members = metadata.workspace_packages();
    for package in &members {
        let Some(layer) = layer(package) else {
            let message = "belongs to no layer; name it realnet-{provider,resource,runner}-…";
            findings.push(Finding::new(package.name.as_str(), message));
            continue;
        };
        findings.extend(arrows(package, &members));
        findings.extend(foreign(metadata, package, layer));
    }
    findings
}

fn layer(package: &Package) -> Option<Layer> {
    if package.publish.as_ref().is_some_and(Vec::is_empty) {
        return Some(Layer::Chore);
    }
    layer_of(&package.name)
}

fn layer_of(name: &str) -> Option<Layer> {
    let name = name.strip_prefix("realnet-")?;
    match name {
        "core" => Some(Layer::Core),
        "client" => Some(Layer::Client),
        "testkit" => Some(Layer::Testkit),
        "bin" => Some(Layer::Bin),
        _ => match name.split_once('-')?.0 {
            "provider" => Some(Layer::Provider),
            "resource" => Some(Layer::Resource),
            "runner" => Some(Layer::Runner),
            _ => None,
        },
    }
}

/// Whether a published crate may depend on another of the workspace.
fn may_point(from: &str, to: &str) -> bool {
    let (Some(lower), Some(upper)) = (layer_of(to), layer_of(from)) else {
        return false;
    };
    match upper {
        Layer::Core | Layer::Client => false,
        Layer::Provider => {
            let is_codec =
                ["json", "yaml", "xml"].iter().any(|codec| from == format!("realnet-provider-{codec}"));
            lower == Layer::Core || (is_codec && to == "realnet-provider-generic")
        }
        Layer::Resource | Layer::Runner | Layer::Testkit => lower == Layer::Core,
        Layer::Bin => !matches!(lower, Layer::Bin | Layer::Testkit),
        Layer::Chore => true,
    }
}

/// Dependencies on members of the workspace that point in a direction that is not allowed.
fn arrows(package: &Package, members: &[&Package]) -> Vec<Finding> {
    if layer(package) == Some(Layer::Chore) {
        return Vec::new();
    }
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .filter(|dependency| members.iter().any(|member| member.name.as_str() == dependency.name))
        .filter(|dependency| !may_point(&package.name, &dependency.name))
        .map(|dependency| {
            let message = format!(
                "must not depend on {}: arrows point down only (bin → runner, resource, provider → core)",
                dependency.name
            );
            Finding::new(package.name.as_str(), message)
        })
        .collect()
}

/// Foreign libraries anywhere in the tree of normal dependencies.
fn foreign(metadata: &Metadata, package: &Package, layer: Layer) -> Vec<Finding> {
    let Some((_, banned)) = FOREIGN.iter().find(|(of, _)| *of == layer) else {
        return Vec::new();
    };
    let tree = tree(metadata, &package.id);
    let mut found: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| tree.contains(&package.id) && banned.contains(&package.name.as_str()))
        .map(|found| {
            let message = format!("{} does not belong below this layer", found.name);
            Finding::new(package.name.as_str(), message)
        })
        .collect();
    found.dedup();
    found
}

/// All packages that a package is built with, by normal dependencies.
fn tree<'a>(metadata: &'a Metadata, top: &'a PackageId) -> HashSet<&'a PackageId> {
    let nodes: HashMap<_, _> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let mut seen = HashSet::new();
    let mut open = vec![top];
    while let Some(id) = open.pop() {
        let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps);
        for dependency in dependencies {
            let is_normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Value)]) -> Value {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(name, kind)| {
                json!({"name": name, "req": "^0.1", "kind": kind, "optional": false,
                       "uses_default_features": true, "features": [], "source": null,
                       "target": null, "rename": null, "registry": null})
            })
            .collect();
        json!({"name": name, "version": "0.1.0", "id": name, "dependencies": dependencies,
               "targets": [], "features": {}, "manifest_path": "/p/Cargo.toml",
               "source": null, "license": null, "license_file": null, "description": null})
    }

    /// A workspace whose packages depend on each other; a name without a hyphenated `realnet-` is a
    /// library from elsewhere.
    fn workspace(packages: &[(&str, &[(&str, Value)])]) -> Metadata {
        let members: Vec<_> =
            packages.iter().map(|(name, _)| *name).filter(|name| name.starts_with("realnet-")).collect();
        let nodes: Vec<_> = packages
            .iter()
            .map(|(name, dependencies)| {
                let deps: Vec<_> = dependencies
                    .iter()
                    .map(|(name, kind)| {
                        json!({"name": name, "pkg": name,
                               "dep_kinds": [{"kind": kind, "target": null}]})
                    })
                    .collect();
                json!({"id": name, "deps": deps, "dependencies": [], "features": []})
            })
            .collect();
        let packages: Vec<_> =
            packages.iter().map(|(name, dependencies)| package(name, dependencies)).collect();
        serde_json::from_value(json!({
            "packages": packages, "workspace_members": members, "version": 1,
            "workspace_root": "/p", "target_directory": "/p/target", "metadata": null,
            "resolve": {"nodes": nodes, "root": null}
        }))
        .unwrap()
    }

    #[test]
    fn arrows_point_down_only() {
        for (from, to) in [
            ("realnet-bin", "realnet-runner-http"),
            ("realnet-bin", "realnet-provider-sql"),
            ("realnet-bin", "realnet-client"),
            ("realnet-runner-http", "realnet-core"),
            ("realnet-provider-json", "realnet-provider-generic"),
            ("realnet-testkit", "realnet-core"),
        ] {
            assert!(may_point(from, to), "{from} → {to}");
        }
        for (from, to) in [
            ("realnet-core", "realnet-provider-sql"),
            ("realnet-runner-http", "realnet-resource-items"),
            ("realnet-runner-http", "realnet-provider-sql"),
            ("realnet-resource-items", "realnet-provider-generic"),
            ("realnet-resource-items", "realnet-runner-http"),
            ("realnet-resource-items", "realnet-resource-types"),
            ("realnet-provider-sql", "realnet-provider-generic"),
            ("realnet-client", "realnet-core"),
            ("realnet-bin", "realnet-testkit"),
        ] {
            assert!(!may_point(from, to), "{from} → {to}");
        }
    }

    #[test]
    fn a_wrong_arrow_is_found_unless_it_is_for_tests() {
        let sql: &[(&str, Value)] = &[];
        let wrong = workspace(&[
            ("realnet-runner-http", &[("realnet-provider-sql", Value::Null)]),
            ("realnet-provider-sql", sql),
        ]);
        let found = check(&wrong);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "realnet-runner-http");

        let fine = workspace(&[
            ("realnet-runner-http", &[("realnet-provider-sql", json!("dev"))]),
            ("realnet-provider-sql", sql),
        ]);
        assert_eq!(check(&fine), []);
    }

    #[test]
    fn a_driver_deep_below_core_is_found() {
        let deep = workspace(&[
            ("realnet-core", &[("helper", Value::Null)]),
            ("helper", &[("tokio", Value::Null)]),
            ("tokio", &[]),
        ]);
        let found = check(&deep);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.starts_with("tokio "), "{}", found[0]);

        let for_tests = workspace(&[("realnet-core", &[("tokio", json!("dev"))]), ("tokio", &[])]);
        assert_eq!(check(&for_tests), []);
    }

    #[test]
    fn a_crate_outside_of_the_layers_is_found() {
        let found = check(&workspace(&[("realnet-misc", &[])]));
        assert_eq!(found.len(), 1);
    }
}
