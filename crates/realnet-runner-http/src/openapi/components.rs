//! What operations refer to.

use serde_json::{Value, json};

use super::names::Named;
use super::{parameters, responses, schemas};

/// Schemas, parameters, answers, headers and the ways to be known.
pub(super) fn build(types: &[Named<'_>]) -> Value {
    let header = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "schemas": schemas::build(types),
        "parameters": parameters::build(),
        "responses": responses::build(),
        "headers": {
            "ETag": header("Names the version and the representation"),
            "Location": header("The address of what was created"),
            "Link": header("`rel=\"next\"`: the next page"),
            "Content-Range": header("`items 0-49/1234`, when a total was asked for"),
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-realnet",
                "description": "A web page's session, given by signing in with `cookie`"},
            "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                "description": "Shown with writes by cookie"},
        },
    })
}
