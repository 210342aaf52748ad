//! Paths: the fixed ones, what every endpoint offers, and two for each type.

use realnet_core::query::LIST_PARAMETERS;
use serde_json::{Map, Value, json};

use super::names::Named;
use super::operations::{
    answer, body, operation, parameter, parameters, patch_body, responses, schema, with, with_headers,
};

/// Failures of a read and of a write.
const READ: [u16; 4] = [400, 401, 403, 404];
const WRITE: [u16; 9] = [400, 401, 403, 404, 409, 412, 413, 415, 422];

/// All paths.
pub(super) fn build(types: &[Named<'_>]) -> Value {
    let mut paths = Map::new();
    let mut add = |path: &str, item: Value| drop(paths.insert(path.to_owned(), item));
    authentication(&mut add);
    server(&mut add);
    documents(&mut add);
    declared_types(&mut add);
    any_resource(&mut add);
    for named in types.iter().filter(|named| !is_fixed(&named.endpoint)) {
        let of_items = schema(&named.schema);
        let tag = "Resources";
        let endpoint = Endpoint {
            name: named.info.name(),
            id: &named.schema,
            place: json!([]),
            filters: list_parameters(named),
            creatable: !named.info.is_abstract(),
        };
        add(&format!("/api/{}", named.endpoint), list_and_create(tag, &endpoint, &of_items));
        add(
            &format!("/api/{}/{{id}}", named.endpoint),
            one(tag, &named.schema, &of_items, &json!([parameter("id")])),
        );
    }
    Value::Object(paths)
}

/// Names of routes that no type can have.
fn is_fixed(endpoint: &str) -> bool {
    ["auth", "batch", "plan", "apply", "drift", "info", "types", "openapi.json"].contains(&endpoint)
}

fn authentication(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let tokens = || answer("Tokens", schema("realnet.Tokens"));
    let text = || json!({"type": "string"});
    let login = json!({
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": text(), "password": text(), "org": text(), "code": text(),
            "cookie": {"type": "boolean", "description": "Gives the tokens as cookies, and `csrf_token` in the answer"},
        },
    });
    let sign_in =
        operation(tag, "signIn", "Sign in", responses(&[("200", tokens())], &[400, 401, 415, 422, 429]));
    let sign_in = with(with(sign_in, "requestBody", body(login)), "security", json!([]));
    let show = responses(&[("200", answer("The account", json!({"type": "object"})))], &[401]);
    let sign_out = responses(&[("204", json!({"description": "Signed out"}))], &[401]);
    add(
        "/api/auth",
        json!({
            "get": operation(tag, "whoAmI", "Who am I", show),
            "post": sign_in,
            "delete": operation(tag, "signOut", "Sign out", sign_out),
        }),
    );
    let token = json!({
        "type": "object", "required": ["refresh_token"], "properties": {"refresh_token": text()},
    });
    let refresh =
        operation(tag, "refresh", "New tokens", responses(&[("200", tokens())], &[400, 401, 415, 422]));
    // Without a body, the cookie counts.
    let token = with(body(token), "required", json!(false));
    let refresh =
        with(with(refresh, "requestBody", token), "security", json!([{}, {"cookie": [], "csrf": []}]));
    add("/api/auth/refresh", json!({"post": refresh}));
    sessions(add);
    mailed(add);
    audit(add);
    explain(add);
}

fn sessions(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let of = json!([{"name": "account", "in": "query", "schema": {"type": "string", "format": "uuid"},
        "description": "For administrators: of this account instead of one's own"}]);
    let session = json!({"type": "object", "properties": {
        "id": {"type": "string", "format": "uuid"}, "current": {"type": "boolean"}, "method": {"type": "string"},
        "factor": {"type": "boolean"}, "created_at": {"type": "string", "format": "date-time"},
        "used_at": {"type": "string", "format": "date-time"}, "expires_at": {"type": "string", "format": "date-time"},
        "address": {"type": ["string", "null"]}, "agent": {"type": ["string", "null"]},
    }});
    let list = answer("The sessions, newest first", json!({"type": "array", "items": session}));
    let list =
        operation(tag, "listSessions", "List sessions", responses(&[("200", list)], &[400, 401, 403, 404]));
    let ended = json!({"type": "object", "properties": {"ended": {"type": "integer"}}});
    let ended = responses(&[("200", answer("How many ended", ended))], &[400, 401, 403, 404]);
    let all = operation(tag, "endSessions", "End all sessions but the one that asks", ended);
    let gone = responses(&[("204", json!({"description": "Ended"}))], &[401, 403, 404]);
    add("/api/auth/sessions", json!({"parameters": of, "get": list, "delete": all}));
    let one = operation(tag, "endSession", "End a session", gone);
    add("/api/auth/sessions/{id}", json!({"parameters": [parameter("id")], "delete": one}));
    let unlocked = json!({"description": "What has failed counts no more"});
    let unlocked = responses(&[("204", unlocked)], &[400, 401, 403, 404, 415, 422]);
    let unlock =
        operation(tag, "unlock", "Let an account sign in that failed sign-ins have locked", unlocked);
    let account = json!({"type": "object", "required": ["account"],
        "properties": {"account": {"type": "string", "format": "uuid"}}});
    add("/api/auth/unlock", json!({"post": with(unlock, "requestBody", body(account))}));
}

fn audit(add: &mut impl FnMut(&str, Value)) {
    let text = |name: &str, schema: Value, words: &str| json!({"name": name, "in": "query", "schema": schema, "description": words});
    let id = || json!({"type": "string", "format": "uuid"});
    let moment = || json!({"type": "string", "format": "date-time"});
    let parameters = json!([
        text("account", id(), "By this account, or about it"),
        text("item", id(), "Changes of this item"),
        text(
            "kind",
            json!({"type": "string"}),
            "create, update, grant, delete, or an event such as sign_in_failed"
        ),
        text("since", moment(), "At this moment or later"),
        text("until", moment(), "Before this moment"),
        text("org", json!({"type": "string"}), "Name or id of an org, for superusers"),
        text(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}),
            "Entries of a page"
        ),
        text("cursor", json!({"type": "string"}), "The `next` of the page before"),
        text("export", json!({"type": "boolean"}), "Tell in the audit that it is read to be kept elsewhere"),
    ]);
    let entry = json!({"type": "object", "properties": {
        "at": moment(), "account": {"type": ["string", "null"]}, "username": {"type": ["string", "null"]},
        "source": {"enum": ["change", "event"]}, "kind": {"type": "string"}, "origin": {"type": ["object", "null"]},
    }});
    let page = json!({"type": "object", "properties": {
        "entries": {"type": "array", "items": entry}, "next": {"type": ["string", "null"]},
    }});
    let answers = responses(&[("200", answer("Entries, newest first", page))], &[400, 401, 403, 404]);
    let get = operation("Authentication", "audit", "Who did what, when and from where", answers);
    add("/api/audit", json!({"parameters": parameters, "get": get}));
}

fn explain(add: &mut impl FnMut(&str, Value)) {
    let parameter = |name: &str, schema: Value, required: bool, words: &str| json!({"name": name, "in": "query", "schema": schema, "required": required, "description": words});
    let id = || json!({"type": "string", "format": "uuid"});
    let permissions = json!({"enum": ["read", "write", "delete", "execute", "message", "share"]});
    let parameters = json!([
        parameter("item", id(), true, "Which item"),
        parameter("account", id(), false, "Whose rights; one's own when absent"),
        parameter("who", permissions, false, "For administrators: the accounts that may do this, instead"),
        parameter("cursor", json!({"type": "string"}), false, "The `next` of a page of accounts"),
    ]);
    let shown =
        answer("Each permission with what decides, or the accounts that may", json!({"type": "object"}));
    let get = operation(
        "Authentication",
        "explain",
        "Why may somebody do this, and who may",
        responses(&[("200", shown)], &[400, 401, 403, 404]),
    );
    add("/api/explain", json!({"parameters": parameters, "get": get}));
}

/// What is done by the proof of a mail that was received.
fn mailed(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let text = || json!({"type": "string"});
    let object = |required: &[&str], optional: &[&str]| {
        let names = required.iter().chain(optional);
        let properties: Map<String, Value> = names.map(|name| ((*name).to_owned(), text())).collect();
        json!({"type": "object", "required": required, "properties": properties})
    };
    let done = |words: &str, failures: &[u16]| responses(&[("204", json!({"description": words}))], failures);
    let open = |id: &str, summary: &str, schema: Value, failures: &[u16]| {
        let post = operation(tag, id, summary, done("Done, as far as may be told", failures));
        json!({"post": with(with(post, "requestBody", body(schema)), "security", json!([]))})
    };
    let ask = open(
        "askPasswordReset",
        "Ask for a mail to set a new password",
        object(&["email"], &["org"]),
        &[400, 415, 422, 429],
    );
    add("/api/auth/password-reset", ask);
    let fields = object(&["token", "password"], &[]);
    let set = open(
        "confirmPasswordReset",
        "Set a new password by the token of that mail",
        fields,
        &[400, 415, 422],
    );
    add("/api/auth/password-reset/confirm", set);
    let verify = done("A mail is on its way", &[401, 409, 422, 429]);
    let verify = operation(tag, "askEmailVerification", "Ask for a mail to prove the own address", verify);
    add("/api/auth/verify-email", json!({"post": verify}));
    let prove = done("The address is proved", &[400, 401, 409, 415, 422]);
    let prove = operation(tag, "confirmEmail", "Prove the own address by the token of that mail", prove);
    let prove = json!({"post": with(prove, "requestBody", body(object(&["token"], &[])))});
    add("/api/auth/verify-email/confirm", prove);
}

fn server(add: &mut impl FnMut(&str, Value)) {
    let tag = "Server";
    let object = || json!({"type": "object"});
    let plain = |status: &str, text: &str| responses(&[(status, answer(text, object()))], &[]);
    let unready = responses(&[("200", answer("Ready", object()))], &[503]);
    let metrics =
        json!({"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}});
    add("/api/info", json!({"get": operation(tag, "info", "About the server", plain("200", "Figures"))}));
    add(
        "/api/openapi.json",
        json!({"get": operation(tag, "openapi", "This document", plain("200", "OpenAPI"))}),
    );
    add("/healthz", json!({"get": operation(tag, "alive", "Whether it lives", plain("200", "Alive"))}));
    add("/readyz", json!({"get": operation(tag, "ready", "Whether it can serve", unready)}));
    let metrics = responses(&[("200", metrics)], &[]);
    add("/metrics", json!({"get": operation(tag, "metrics", "For Prometheus", metrics)}));
}

fn documents(add: &mut impl FnMut(&str, Value)) {
    let tag = "Documents";
    let report = || answer("What it does", json!({"type": "object"}));
    let names = ["prune", "force", "adopt", "compat", "source"];
    for (path, id, summary) in [
        ("/api/plan", "plan", "What a document would do"),
        ("/api/apply", "apply", "Do what a document says, atomically"),
    ] {
        let post = operation(tag, id, summary, responses(&[("200", report())], &WRITE));
        let post = with(post, "parameters", parameters(&names));
        add(path, json!({"post": with(post, "requestBody", body(schema("realnet.Document")))}));
    }
    let drift = responses(&[("200", report())], &[401, 403]);
    add("/api/drift", json!({"get": operation(tag, "drift", "What differs from what was applied", drift)}));
    let batch = responses(&[("200", answer("The results", json!({"type": "object"})))], &WRITE);
    let batch = operation("Any resource", "batch", "Several operations, all or none", batch);
    let batch = with(batch, "parameters", parameters(&["idempotency-key"]));
    add("/api/batch", json!({"post": with(batch, "requestBody", body(schema("realnet.Batch")))}));
}

fn declared_types(add: &mut impl FnMut(&str, Value)) {
    let tag = "Types";
    let object = || json!({"type": "object"});
    let list = answer("The types", json!({"type": "array", "items": object()}));
    let created = with_headers(answer("The type", object()), &["Location"]);
    let create = operation(tag, "createType", "Create a type", responses(&[("201", created)], &WRITE));
    let prefix = json!({"name": "name", "in": "query", "schema": {"type": "string"},
        "description": "What names begin with, without regard to case"});
    let limit = json!({"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
        "description": "Page size; without it, all types come at once"});
    add(
        "/api/types",
        json!({
            "get": with(
                operation(tag, "listTypes", "List types", responses(&[("200", list)], &READ)),
                "parameters",
                json!([prefix, limit, parameter("cursor")]),
            ),
            "post": with(create, "requestBody", body(object())),
        }),
    );
    let one = || responses(&[("200", answer("The type", object()))], &WRITE);
    let gone = responses(&[("204", json!({"description": "Deleted"}))], &WRITE);
    let replace = with(operation(tag, "replaceType", "Replace a type", one()), "requestBody", body(object()));
    let patch = operation(tag, "patchType", "Change a part of a type", one());
    let patch = with(patch, "requestBody", patch_body(object()));
    add(
        "/api/types/{name}",
        json!({
            "parameters": parameters(&["name"]),
            "get": operation(tag, "getType", "Get a type", one()),
            "put": with(replace, "parameters", parameters(&["if-match"])),
            "patch": with(patch, "parameters", parameters(&["if-match"])),
            "delete": with(operation(tag, "deleteType", "Delete a type", gone), "parameters", parameters(&["if-match"])),
        }),
    );
    let mut acl = grants(tag, "Type", &json!([parameter("name"), parameter("instance")]), &[]);
    let reset = responses(&[("200", answer("The declared grants", schema("realnet.Grants")))], &WRITE);
    acl["delete"] = operation(tag, "resetTypeGrants", "Return to the declared grants", reset);
    add("/api/types/{name}/acl", acl);
}

fn any_resource(add: &mut impl FnMut(&str, Value)) {
    let tag = "Any resource";
    let of_items = schema("realnet.Item");
    let place = || json!([parameter("resource"), parameter("id")]);
    let endpoint = Endpoint {
        name: "item",
        id: "Item-of-any-type",
        place: json!([parameter("resource")]),
        filters: parameters(&LIST_PARAMETERS),
        creatable: true,
    };
    add("/api/{resource}", list_and_create(tag, &endpoint, &of_items));
    add("/api/{resource}/{id}", one(tag, "Item-of-any-type", &of_items, &place()));
    let list = with_headers(
        answer("A page", json!({"type": "array", "items": of_items})),
        &["Link", "Content-Range"],
    );
    let children = operation(tag, "listChildren", "Children of an item", responses(&[("200", list)], &READ));
    add(
        "/api/{resource}/{id}/items",
        json!({
            "parameters": place(), "get": with(children, "parameters", parameters(&LIST_PARAMETERS)),
        }),
    );
    let changes =
        answer("Changes, newest first", json!({"type": "array", "items": schema("realnet.Change")}));
    let changes = responses(&[("200", with_headers(changes, &["Link"]))], &READ);
    let history = operation(tag, "history", "Earlier states of an item", changes);
    add(
        "/api/{resource}/{id}/history",
        json!({
            "parameters": place(), "get": with(history, "parameters", parameters(&["limit", "before"])),
        }),
    );
    add("/api/{resource}/{id}/acl", grants(tag, "Item", &place(), &["if-match"]));
}

/// `acl` of an item or type.
fn grants(tag: &str, of: &str, place: &Value, conditions: &[&str]) -> Value {
    let grants = || responses(&[("200", answer("The grants", schema("realnet.Grants")))], &WRITE);
    let put = operation(tag, &format!("set{of}Grants"), "Replace the grants", grants());
    let put = with(put, "requestBody", body(schema("realnet.Grants")));
    json!({
        "parameters": place,
        "get": operation(tag, &format!("get{of}Grants"), "Show the grants", grants()),
        "put": with(put, "parameters", parameters(conditions)),
    })
}

/// What there is to say of an endpoint.
struct Endpoint<'a> {
    name: &'a str,
    /// Part of the ids of its operations.
    id: &'a str,
    /// Parameters of its path.
    place: Value,
    /// Parameters of its list.
    filters: Value,
    creatable: bool,
}

/// The endpoint of a type: its list, creation, and changes of all that match.
fn list_and_create(tag: &str, endpoint: &Endpoint<'_>, of_items: &Value) -> Value {
    let Endpoint { name, id, place, filters, creatable } = endpoint;
    let page = answer("A page", json!({"type": "array", "items": of_items}));
    let page = with_headers(page, &["Link", "Content-Range"]);
    let list =
        operation(tag, &format!("list-{id}"), &format!("List {name}"), responses(&[("200", page)], &READ));
    let affected =
        || answer("How many", json!({"type": "object", "properties": {"affected": {"type": "integer"}}}));
    let patch_many = responses(&[("200", affected())], &WRITE);
    let patch_many =
        operation(tag, &format!("patch-many-{id}"), &format!("Patch each {name} that matches"), patch_many);
    let patch_many = with(
        patch_many,
        "requestBody",
        json!({
            "required": true, "content": {"application/merge-patch+json": {"schema": of_items}},
        }),
    );
    let delete_many = responses(&[("200", affected())], &WRITE);
    let delete_many = operation(
        tag,
        &format!("delete-many-{id}"),
        &format!("Delete each {name} that matches"),
        delete_many,
    );
    let mut item = json!({
        "parameters": place,
        "get": with(list, "parameters", filters.clone()),
        "patch": with(patch_many, "parameters", filters.clone()),
        "delete": with(delete_many, "parameters", filters.clone()),
    });
    if *creatable {
        let one_or_many = json!({"oneOf": [of_items, {"type": "array", "items": of_items}]});
        let created = with_headers(answer("Created", one_or_many.clone()), &["ETag", "Location"]);
        let create = responses(&[("201", created)], &WRITE);
        let create =
            operation(tag, &format!("create-{id}"), &format!("Create {name}, one or several"), create);
        let create = with(create, "parameters", parameters(&["idempotency-key", "prefer"]));
        item["post"] = with(create, "requestBody", body(one_or_many));
    }
    item
}

/// The parameters of every list, and the fields that are indexed: those are what a filter should use.
fn list_parameters(named: &Named<'_>) -> Value {
    let mut list: Vec<Value> = LIST_PARAMETERS.iter().map(|name| parameter(name)).collect();
    for info in named.info.fields().iter().filter(|info| info.field.is_keyed()) {
        let name = &info.field.name;
        if !LIST_PARAMETERS.contains(&name.as_str()) {
            let description = "Filter: `op.value`, such as `eq.x`, `gte.5`, `in.(a,b)`, `is.null`";
            list.push(json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}}));
        }
    }
    Value::Array(list)
}

/// One item below an endpoint.
fn one(tag: &str, id: &str, of_items: &Value, place: &Value) -> Value {
    let item = || with_headers(answer("The item", of_items.clone()), &["ETag"]);
    let same = json!({"description": "The representation at hand is the present one"});
    let get =
        operation(tag, &format!("get-{id}"), "Get", responses(&[("200", item()), ("304", same)], &READ));
    let put = operation(
        tag,
        &format!("replace-{id}"),
        "Replace name and attributes",
        responses(&[("200", item())], &WRITE),
    );
    let put = with(put, "requestBody", body(of_items.clone()));
    let patch = operation(tag, &format!("patch-{id}"), "Patch", responses(&[("200", item())], &WRITE));
    let patch = with(patch, "requestBody", patch_body(of_items.clone()));
    let gone = responses(&[("204", json!({"description": "Deleted"}))], &WRITE);
    let delete = operation(tag, &format!("delete-{id}"), "Delete, with all descendants", gone);
    json!({
        "parameters": place,
        "get": with(get, "parameters", parameters(&["select", "attributes", "if-none-match"])),
        "put": with(put, "parameters", parameters(&["if-match", "if-none-match", "prefer"])),
        "patch": with(patch, "parameters", parameters(&["if-match", "if-none-match", "prefer"])),
        "delete": with(delete, "parameters", parameters(&["if-match", "if-none-match"])),
    })
}
