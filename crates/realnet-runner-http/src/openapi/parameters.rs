//! Parameters that many operations share.

use serde_json::{Map, Value, json};

/// All shared parameters.
pub(super) fn build() -> Value {
    let mut map = Map::new();
    let mut query = |name: &str, schema: Value, description: &str| {
        let value = json!({"name": name, "in": "query", "description": description, "schema": schema});
        map.insert(name.to_owned(), value);
    };
    let text = || json!({"type": "string"});
    let flag = || json!({"type": "boolean"});
    query("select", text(), "Projection and expansion: `a,b,ref(name)`");
    query(
        "group",
        text(),
        "What items are grouped by: `status,type`; absent values are a group of their own, the last",
    );
    query("order", text(), "Order: `a.desc,b`; nulls come last, ties go by id");
    query("limit", json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}), "Page size");
    query("cursor", text(), "Where the page begins, from the `Link` of the page before");
    query("offset", json!({"type": "integer", "minimum": 0}), "How many matches to skip; excludes `cursor`");
    query("count", json!({"enum": ["exact", "estimated"]}), "Asks for the total, in `Content-Range`");
    query("search", text(), "Full text over name and text attributes, best first");
    query("near", text(), "Only items within a distance: `lon,lat,metres`");
    query("within", text(), "`minlon,minlat,maxlon,maxlat`, or a GeoJSON polygon");
    query("types", text(), "Only items of these types, derived ones included: `A,B`");
    query("exact", flag(), "Leaves items of derived types out");
    query("parent", json!({"type": "string", "format": "uuid"}), "Only children of this item");
    query("any_level", flag(), "With `parent`: all descendants");
    query("tags", text(), "Only items with all of these tags: `x,y`");
    query("valid_at", json!({"type": "string", "format": "date-time"}), "Only items valid at this moment");
    query("or", text(), "A group of which one holds: `(a.eq.1,b.gt.2)`; nestable");
    query("and", text(), "A group of which all hold; nestable");
    query(
        "attributes",
        json!({"enum": ["all", "own"]}),
        "`all` adds meta attributes, `own` gives stored ones only",
    );
    query("org", text(), "The id of an org, or `*` for all: superusers look into other orgs than their own");
    query(
        "dry_run",
        flag(),
        "Only tries it: refuses what would be refused, tells how many, and changes nothing",
    );
    query("before", json!({"type": "integer", "minimum": 1}), "Changes of versions below this one");
    query("instance", text(), "Name of an instance of the type");
    query("prune", flag(), "Delete what came from this source and is in it no more");
    query("force", flag(), "Overwrite what was changed by hand");
    query("adopt", flag(), "Take over what has no source");
    query("compat", flag(), "Turn contradictions of old documents into warnings");
    query("thumb", text(), "A small picture of the image instead: `200x100`, at most so wide and so high");
    query("download", flag(), "The browser saves it, whatever it is");
    query("source", text(), "Where the document comes from; `api` when absent");
    for (key, value) in others() {
        map.insert(key.to_owned(), value);
    }
    Value::Object(map)
}

/// Parameters of the path and headers.
fn others() -> [(&'static str, Value); 9] {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "description": description, "schema": {"type": "string"}});
    let path = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema});
    let figures =
        "What is told of each group: `count(),count(x),sum(x),avg(x),min(x),max(x)`; `count()` when absent";
    [
        (
            "figures",
            json!({"name": "select", "in": "query", "description": figures, "schema": {"type": "string"}}),
        ),
        (
            "resource",
            path("resource", json!({"type": "string"}), "An endpoint or the name of a type, in any case"),
        ),
        ("id", path("id", json!({"type": "string", "format": "uuid"}), "The id of an item")),
        ("name", path("name", json!({"type": "string"}), "The name of a type, in any case")),
        (
            "if-match",
            header("If-Match", "The version to be changed, as an `ETag` told it; another one is 412"),
        ),
        (
            "if-none-match",
            header("If-None-Match", "The representation at hand; the same one is 304, and 412 for a change"),
        ),
        (
            "idempotency-key",
            header("Idempotency-Key", "A repeated request gets the first answer again, for a day"),
        ),
        ("range", header("Range", "The part that is wanted: `bytes=0-499`, `bytes=500-`, `bytes=-500`")),
        ("prefer", header("Prefer", "`return=minimal`: answer without the item")),
    ]
}
