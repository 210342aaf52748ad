//! Passkeys.

use serde_json::{Value, json};

use super::{delete, get, post, row, things};
use crate::cells::Row;

/// What a browser would have made of options that were never given.
fn made(ceremony: &str) -> Value {
    let client_data = match ceremony {
        // {"type":"webauthn.create","challenge":"AAAA","origin":"http://localhost"}
        "create" => {
            "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3QifQ"
        }
        // {"type":"webauthn.get","challenge":"AAAA","origin":"http://localhost"}
        _ => "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3QifQ",
    };
    json!({"credential": {"rawId": "AAAA", "response": {
        "clientDataJSON": client_data, "attestationObject": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA",
    }}})
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /api/auth/passkeys", "one's own", things::nothing, |_, _, _| get("/api/auth/passkeys")),
        row("POST /api/auth/passkeys", "with a wrong password", things::nothing, |_, _, _| {
            post("/api/auth/passkeys", json!({"current_password": "not the password"}))
        }),
        row("POST /api/auth/passkeys", "right after signing in", things::nothing, |_, _, _| {
            post("/api/auth/passkeys", json!({}))
        }),
        row("POST /api/auth/passkeys/confirm", "what was not begun", things::nothing, |_, _, _| {
            post("/api/auth/passkeys/confirm", made("create"))
        }),
        row("POST /api/auth/passkeys/options", "before signing in", things::nothing, |_, _, _| {
            post("/api/auth/passkeys/options", json!({}))
        }),
        row("POST /api/auth/passkeys/sign-in", "by what was not begun", things::nothing, |_, _, _| {
            post("/api/auth/passkeys/sign-in", made("get"))
        }),
        row("DELETE /api/auth/passkeys/{name}", "one that is not there", things::nothing, |_, _, _| {
            delete("/api/auth/passkeys/nothing")
        }),
    ]
}
