//! Signing in and out, sessions, mails, audit and explanations.

use serde_json::json;

use super::{delete, get, post, row, things};
use crate::cells::Row;
use crate::world::{Actor, PASSWORD};

/// A session that there is not.
const NO_SESSION: &str = "/api/auth/sessions/00000000-0000-4000-8000-000000000001";

pub fn rows() -> Vec<Row> {
    let ending = |row: Row| Row { in_new_session: true, ..row };
    vec![
        row("GET /api/auth", "who am I", things::nothing, |_, _, _| get("/api/auth")),
        row("POST /api/auth", "with a wrong password", things::colleague, |_, thing, _| {
            post("/api/auth", json!({"username": thing.mark, "password": "not the password"}))
        }),
        row("POST /api/auth", "with the password of another", things::colleague, |_, thing, _| {
            post("/api/auth", json!({"username": thing.mark, "password": PASSWORD}))
        }),
        ending(row("DELETE /api/auth", "sign out", things::nothing, |_, _, _| delete("/api/auth"))),
        row("POST /api/auth/refresh", "with what is no token", things::nothing, |_, _, _| {
            post("/api/auth/refresh", json!({"refresh_token": "nothing"}))
        }),
        row("GET /api/auth/sessions", "one's own", things::nothing, |_, _, _| get("/api/auth/sessions")),
        row("GET /api/auth/sessions", "a colleague's", things::colleague, |_, thing, _| {
            get(format!("/api/auth/sessions?account={}", thing.id))
        }),
        row("GET /api/auth/sessions", "an administrator's", things::chief, |_, thing, _| {
            get(format!("/api/auth/sessions?account={}", thing.id))
        }),
        row("GET /api/auth/sessions", "a superuser's", things::superuser, |_, thing, _| {
            get(format!("/api/auth/sessions?account={}", thing.id))
        }),
        row("DELETE /api/auth/sessions", "a colleague's", things::colleague, |_, thing, _| {
            delete(format!("/api/auth/sessions?account={}", thing.id))
        }),
        row("DELETE /api/auth/sessions", "a superuser's", things::superuser, |_, thing, _| {
            delete(format!("/api/auth/sessions?account={}", thing.id))
        }),
        row("DELETE /api/auth/sessions/{id}", "one that is not there", things::nothing, |_, _, _| {
            delete(NO_SESSION)
        }),
        row("POST /api/auth/factor", "with what is no challenge", things::nothing, |_, _, _| {
            post("/api/auth/factor", json!({"challenge": "nothing", "code": "123456"}))
        }),
        row("GET /api/auth/totp", "one's own", things::nothing, |_, _, _| get("/api/auth/totp")),
        row("POST /api/auth/totp", "with a wrong password", things::nothing, |_, _, _| {
            post("/api/auth/totp", json!({"current_password": "not the password"}))
        }),
        row("POST /api/auth/totp/confirm", "what was not begun", things::nothing, |_, _, _| {
            post("/api/auth/totp/confirm", json!({"code": "123456"}))
        }),
        row("POST /api/auth/totp/recovery", "without a factor", things::nothing, |_, _, _| {
            post("/api/auth/totp/recovery", json!({"current_password": PASSWORD, "code": "123456"}))
        }),
        row("DELETE /api/auth/totp", "a colleague's, who has none", things::colleague, |_, thing, _| {
            delete(format!("/api/auth/totp?account={}", thing.id))
        }),
        row("DELETE /api/auth/totp", "a superuser's, who has none", things::superuser, |_, thing, _| {
            delete(format!("/api/auth/totp?account={}", thing.id))
        }),
        row("POST /api/auth/unlock", "a colleague", things::colleague, |_, thing, _| {
            post("/api/auth/unlock", json!({"account": thing.id}))
        }),
        row("POST /api/auth/unlock", "a superuser", things::superuser, |_, thing, _| {
            post("/api/auth/unlock", json!({"account": thing.id}))
        }),
        row("POST /api/auth/password-reset", "an address that nobody has", things::nothing, |_, _, _| {
            post("/api/auth/password-reset", json!({"email": "nobody@example.org"}))
        }),
        row("POST /api/auth/password-reset/confirm", "with what is no token", things::nothing, |_, _, _| {
            post("/api/auth/password-reset/confirm", json!({"token": "nothing", "password": PASSWORD}))
        }),
        row("POST /api/auth/verify-email", "without an address", things::nothing, |_, _, _| {
            post("/api/auth/verify-email", json!(null))
        }),
        row("POST /api/auth/verify-email/confirm", "with what is no token", things::nothing, |_, _, _| {
            post("/api/auth/verify-email/confirm", json!({"token": "nothing"}))
        }),
        row("GET /api/audit", "of one's org", things::paper, |_, thing, _| {
            get(format!("/api/audit?item={}", thing.id))
        }),
        row("GET /api/audit", "of another org", things::foreign_paper, |world, _, actor| {
            let org = if actor == Actor::ForeignAdmin { &world.org } else { &world.other_org };
            get(format!("/api/audit?org={org}"))
        }),
        row("GET /api/explain", "a paper", things::paper, |_, thing, _| {
            get(format!("/api/explain?item={}", thing.id))
        }),
        row("GET /api/explain", "who may read it", things::paper, |_, thing, _| {
            get(format!("/api/explain?item={}&who=read", thing.id))
        }),
        row("GET /api/explain", "what another may", things::paper, |world, thing, _| {
            get(format!("/api/explain?item={}&account={}", thing.id, world.account(Actor::Member)))
        }),
        row("GET /api/explain", "a foreign paper", things::foreign_paper, |_, thing, _| {
            get(format!("/api/explain?item={}", thing.id))
        }),
    ]
}
