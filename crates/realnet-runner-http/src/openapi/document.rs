//! The document: what it says of itself, and its parts put together.

use realnet_core::registry::{TypeInfo, TypeRegistry};
use serde_json::{Value, json};

use super::names::name_all;
use super::{components, paths};

/// Describes the API with the given types.
pub(super) fn build(registry: &TypeRegistry, types: &[&TypeInfo]) -> Value {
    let named = name_all(types);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "RealNet",
            "summary": "A typed, access-controlled application backend",
            "description": "Every declared type is a resource. Lists are filtered, sorted and paged by the parameters \
                            below; every field of a type filters its list as `field=op.value`, indexed ones are named. Who is not signed in sees what is public.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"cookie": [], "csrf": []}, {}],
        "tags": [
            {"name": "Authentication", "description": "Signing in and out by password"},
            {"name": "Server", "description": "About the server"},
            {"name": "Documents", "description": "Initialization documents: plan, apply, drift"},
            {"name": "Types", "description": "Declarations of types"},
            {"name": "Any resource", "description": "What every endpoint offers"},
            {"name": "Resources", "description": "The declared types"},
        ],
        "paths": paths::build(&named),
        "components": components::build(&named),
        "x-types-revision": registry.revision(),
    })
}
