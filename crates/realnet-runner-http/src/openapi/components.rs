//! What operations refer to.

use serde_json::{Value, json};

use super::names::Named;
use super::{parameters, responses, schemas};

/// Schemas, parameters, answers, headers and the one security scheme.
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
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    })
}
