//! The table: every way to ask for, to find or to guess what one may not read. `{id}` is the item with the hidden values, `{two}` and
//! `{three}` are others of its type, `{link}` is a link to it.

use serde_json::{Value, json};

/// A request.
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub body: Value,
    pub headers: &'static [(&'static str, &'static str)],
}

fn get(path: &'static str) -> Row {
    Row { method: "GET", path, body: Value::Null, headers: &[] }
}

fn write(method: &'static str, path: &'static str, body: Value) -> Row {
    Row { method, path, body, headers: &[] }
}

/// Figures of hidden fields, and by them.
fn figures() -> impl Iterator<Item = Row> {
    let queries = [
        "select=count(salary),sum(salary),avg(salary),min(salary),max(salary)",
        "select=count(bonus),sum(bonus),max(bonus)&group=instance",
        "select=sum(attributes.salary)&group=attributes.note",
        "select=count(pin),min(pin)",
        "select=sum(note)",
        "select=max(note)&group=desk",
        "select=max(old),max(mark)",
        "select=sum(facts.4711),count(facts)",
        "select=sum(boss.salary),max(boss.note)",
        "group=salary",
        "group=bonus",
        "group=pin",
        "group=note",
        "group=facts.4711",
        "group=boss",
        "group=boss.name",
        "group=mark,old",
        "group=spot",
        "salary=gt.5500",
        "pin=4711",
        "boss.name=two&group=name",
        "search=zebra",
        "near=8.5,47,1000",
    ];
    let paths = queries.into_iter().flat_map(|query| {
        ["staff", "items"]
            .map(|place| &*Box::leak(format!("/api/{place}/aggregate?{query}").into_boxed_str()))
    });
    paths.chain(["/api/link/aggregate?select=sum(linked_item_id.salary)&group=parent_id.note"]).map(get)
}

/// Everything that only looks.
pub fn reads() -> Vec<Row> {
    [
        // Filters by hidden fields, by every kind of operator and way to a field.
        "salary=1111",
        "salary=gt.5500",
        "salary=is.null",
        "salary=not.is.null",
        "attributes.salary=1111",
        "not.salary=lt.5500",
        "salary=in.(1111,2)",
        "or=(salary.eq.1111,name.eq.nobody)",
        "and=(salary.gt.1,name.eq.one)",
        "pin=4711",
        "note=like.zebra*",
        "note=ilike.*ATTIC*",
        "facts.4711=1111",
        "boss={two}",
        "boss.name=two",
        "mark=yak",
        "old=like.zebra*",
        "bonus=1111",
        "bonus=gt.5000&count=exact",
        "salary=gt.5500&count=exact&limit=1",
        "spot=near.8.5,47,1000",
        "near=8.5,47,1000",
        "within=8,46,9,48",
        // Orders, searches, what is shown.
        "order=salary",
        "order=salary.desc&limit=1",
        "order=note",
        "order=boss.salary,name",
        "order=pin",
        "search=zebra",
        "search=yak",
        "search=attic&order=name",
        "select=salary,pin,note,name",
        "select=boss(name,salary),desk",
        "select=boss(boss(name))",
        "attributes=all",
        "attributes=own",
        "count=exact",
        "limit=2",
    ]
    .iter()
    .flat_map(|query| {
        let path = |place: &str| &*Box::leak(format!("{place}?{query}").into_boxed_str());
        [get(path("/api/staff")), get(path("/api/items"))]
    })
    .chain(figures())
    .chain(
        [
            "/api/staff/{id}",
            "/api/staff/{id}?select=boss(name)",
            "/api/staff/{id}?attributes=all",
            "/api/staff/{id}/history",
            "/api/staff/{id}/items",
            "/api/staff/{id}/acl",
            "/api/link/{link}?select=linked_item_id(name,salary,note),parent_id(salary)",
            "/api/link?linked_item_id.salary=gt.5500",
            "/api/link?parent_id.note=like.zebra*",
            "/api/link?order=linked_item_id.salary",
            "/api/staff/{two}/history",
            "/api/explain?item={id}",
            "/api/drift",
            "/api/audit?kind=update",
            "/api/audit?item={id}",
            "/api/openapi.json",
            "/api/types/Staff",
            "/api/types?name=Staff",
        ]
        .map(get),
    )
    .chain([
        Row { headers: &[("If-None-Match", "\"2-1\"")], ..get("/api/staff/{id}") },
        write("HEAD", "/api/staff/{id}", Value::Null),
    ])
    .collect()
}

/// What writes, or tries to, each on the state that the one before has left.
pub fn writes() -> Vec<Row> {
    let batch = |guess: Value| {
        write(
            "POST",
            "/api/batch",
            json!({"operations": [
            {"operation": "patch", "resource": "staff", "id": "{id}", "body": guess},
            {"operation": "patch", "resource": "staff", "id": "{id}", "body": {"name": "one"}, "if_match": 2}]}),
        )
    };
    let document =
        |attributes: Value| json!({"items": [{"name": "one", "type": "Staff", "attributes": attributes}]});
    let mut rows = vec![
        batch(json!({"pin": "4711"})),
        batch(json!({"note": "zebra in the attic!"})),
        batch(json!({"salary": 1111})),
        batch(json!({"facts": {"4711": 1111}})),
        write("PATCH", "/api/staff/{id}", json!({"facts": {"4711": 1}})),
        batch(json!({"boss": "{two}"})),
        write("PATCH", "/api/staff/{id}", json!({"salary": 1111})),
        write("PATCH", "/api/staff/{id}", json!({"old": "yak"})),
        write("PATCH", "/api/staff/{id}", json!({"mark": "yak"})),
        write("POST", "/api/staff", json!({"name": "new", "mark": "yak"})),
        write("POST", "/api/staff", json!({"name": "new", "salary": 9999})),
        write("PATCH", "/api/staff/{id}", json!({"desk": "much too long", "pin": "4711"})),
        write("PATCH", "/api/staff?salary=1111", json!({"desk": "x"})),
        write("PATCH", "/api/staff?attributes.note=like.zebra*", json!({"desk": "x"})),
        write("DELETE", "/api/staff?salary=gt.5500", Value::Null),
        write("DELETE", "/api/staff?search=yak", Value::Null),
        write("PATCH", "/api/staff?name=one", json!({"note": "yak!"})),
        write("PUT", "/api/staff/{id}", json!({"name": "one", "desk": "d"})),
        write("PUT", "/api/staff/{id}", json!({"name": "one", "desk": "d", "pin": "0815"})),
        write("POST", "/api/plan?source=x.json&adopt=true", document(json!({"salary": 1111}))),
        write("POST", "/api/plan?source=x.json&adopt=true", document(json!({"note": "yak!", "desk": "d"}))),
        write(
            "POST",
            "/api/plan?source=x.json&adopt=true&force=true",
            document(json!({"pin": "4711", "desk": "e"})),
        ),
    ];
    rows.extend(documents());
    rows.extend([get("/api/staff/{id}"), get("/api/staff/{id}/history"), get("/api/audit?kind=update")]);
    for (op, path) in
        [("test", "/attributes/note"), ("remove", "/attributes/pin"), ("replace", "/attributes/salary")]
    {
        let patch = json!([{"op": op, "path": path, "value": "yak"}]);
        let headers = &[("Content-Type", "application/json-patch+json")];
        rows.push(Row { headers, ..write("PATCH", "/api/staff/{id}", patch) });
    }
    let copy = json!([{"op": "copy", "from": "/attributes/note", "path": "/attributes/desk"}]);
    rows.push(Row {
        headers: &[("Content-Type", "application/json-patch+json")],
        ..write("PATCH", "/api/staff/{id}", copy)
    });
    rows
}

/// Documents under the name of one that a superuser has applied, with guesses at what that one gave.
fn documents() -> Vec<Row> {
    let document = |attributes: &Value| {
        let items = ["planned", "handled", "gone"]
            .map(|name| json!({"name": name, "type": "Staff", "attributes": attributes}));
        json!({"items": items})
    };
    let guesses = [
        json!({"desk": "p"}),
        json!({"desk": "q"}),
        json!({"desk": "p", "note": "zebra in the attic"}),
        json!({"desk": "p", "pin": "4711"}),
        json!({"desk": "p", "facts": {"4711": 1111}}),
        json!({"desk": "p", "salary": 1118}),
        json!({"desk": "q", "note": "yak", "pin": "0815"}),
    ];
    let plans = ["", "&force=true", "&prune=true"].iter().flat_map(|options| {
        let path = &*Box::leak(format!("/api/plan?source=p.json{options}").into_boxed_str());
        let empty = write("POST", path, json!({"items": []}));
        guesses.iter().map(move |guess| write("POST", path, document(guess))).chain([empty])
    });
    let apply = |guess: Value| write("POST", "/api/apply?source=p.json", document(&guess));
    let plan = |guess: Value| write("POST", "/api/plan?source=p.json", document(&guess));
    let applies = [
        apply(json!({"desk": "p", "note": "zebra in the attic"})),
        apply(json!({"desk": "p"})),
        apply(json!({"desk": "p", "pin": "4711"})),
        // Its own secret, again, and another one.
        plan(json!({"desk": "p", "pin": "4711"})),
        plan(json!({"desk": "p", "pin": "0815"})),
        get("/api/staff?name=in.(planned,handled,gone)"),
        get("/api/drift"),
        write("POST", "/api/apply?source=p.json&prune=true", json!({"items": []})),
        get("/api/staff?name=in.(planned,handled,gone)"),
        get("/api/drift"),
    ];
    plans.chain(applies).collect()
}
