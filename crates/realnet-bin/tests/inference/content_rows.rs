//! The table of contents: every way to a content, to an upload, or to a place for one. `{id}` is what the caller may not see, or an id
//! that is nowhere; `{tag}` and `{thumb}` are the tags of the hidden content and of its small picture, `{own}` is a file of the caller.

/// A request.
#[derive(Clone, Default)]
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    /// What is said of a file that comes in pieces, in base64.
    pub said: &'static [(&'static str, &'static str)],
    pub body: String,
    /// Whether it takes the right to read, and no other.
    pub only_looks: bool,
}

fn look(method: &'static str, path: &'static str, headers: &[(&'static str, &'static str)]) -> Row {
    Row { method, path, headers: headers.to_vec(), only_looks: true, ..Row::default() }
}

fn write(
    method: &'static str,
    path: &'static str,
    headers: &[(&'static str, &'static str)],
    body: &str,
) -> Row {
    Row { method, path, headers: headers.to_vec(), body: body.to_owned(), ..Row::default() }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const BYTES: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");

/// The most bytes of a content here.
pub const MOST: usize = 4096;

/// To a file with a content, an image.
pub fn of_files() -> Vec<Row> {
    const DATA: &str = "/api/files/{id}/data";
    let mut rows = vec![
        look("HEAD", DATA, &[("If-None-Match", "\"{tag}\"")]),
        look("HEAD", "/api/files/{id}/data?thumb=64x64", &[]),
    ];
    for path in [
        DATA,
        "/api/images/{id}/data",
        "/api/items/{id}/data",
        "/api/files/{id}/data?download",
        // Of a size that is kept, and that its owner has asked for; and of one that is made each time.
        "/api/files/{id}/data?thumb=64x64",
        "/api/images/{id}/data?thumb=33x21",
    ] {
        rows.push(look("GET", path, &[]));
    }
    for headers in [
        ("Range", "bytes=0-3"),
        ("Range", "bytes=9999-"),
        ("If-None-Match", "\"{tag}\""),
        ("If-None-Match", "*"),
        ("If-Match", "\"{tag}\""),
        ("If-Match", "\"0000000000000000000000000000000000000000000000000000000000000000\""),
    ] {
        rows.push(look("GET", DATA, &[headers]));
    }
    rows.push(look("GET", DATA, &[("Range", "bytes=0-3"), ("If-Range", "\"{tag}\"")]));
    rows.push(look("GET", "/api/files/{id}/data?thumb=64x64", &[("If-None-Match", "\"{thumb}\"")]));
    rows.extend(
        ["{}", "{\"parent_id\": null}"]
            .map(|body| Row { only_looks: true, ..write("POST", "/api/files/{id}/copy", &[JSON], body) }),
    );
    // As what a file of one's own is to show.
    let said: &[_] = &[("filename", "a.txt"), ("template", "{id}")];
    rows.extend(
        [
            write("POST", "/api/files?name=a.txt&template={id}", &[TEXT], "abc"),
            write("POST", "/api/files", &[JSON], "{\"name\": \"a.txt\", \"template\": \"{id}\"}"),
            Row { said, ..write("POST", "/api/uploads", &[TUS, BYTES, ("Upload-Length", "3")], "abc") },
        ]
        .map(|row| Row { only_looks: true, ..row }),
    );
    let wrong = ("Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    rows.extend([
        write("PUT", DATA, &[TEXT, ("If-None-Match", "*")], "abc"),
        write("PUT", DATA, &[TEXT, ("If-Match", "\"9999\"")], "abc"),
        write("PUT", DATA, &[TEXT, wrong], "abc"),
        write("PUT", DATA, &[TEXT], &"a".repeat(MOST + 1)),
        write("DELETE", DATA, &[("If-Match", "\"9999\"")], ""),
        write("PUT", DATA, &[TEXT, ("If-Match", "\"{tag}\"")], "abc"),
        write("PUT", "/api/images/{id}/data", &[TEXT], "abcd"),
        write("DELETE", DATA, &[], ""),
    ]);
    rows
}

/// To a folder, as the place of what one sends.
pub fn of_folders() -> Vec<Row> {
    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"parent_id\"\r\n\r\n{id}\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--b--\r\n";
    let begun: &[_] = &[TUS, ("Upload-Length", "3")];
    let said: &[_] = &[("filename", "a.txt"), ("parent_id", "{id}")];
    vec![
        write("POST", "/api/files?name=a.txt&parent_id={id}", &[TEXT], "abc"),
        write("POST", "/api/files", &[("Content-Type", "multipart/form-data; boundary=b")], FORM),
        Row { said, ..write("POST", "/api/uploads", begun, "") },
        Row { said, ..write("POST", "/api/uploads", &[begun, &[BYTES]].concat(), "abc") },
        write("POST", "/api/files/{own}/copy", &[JSON], "{\"parent_id\": \"{id}\"}"),
        Row { only_looks: true, ..write("POST", "/api/folders/{id}/copy", &[JSON], "{}") },
    ]
}

/// To a folder, where the storage signs requests.
pub fn of_signed_folders() -> Vec<Row> {
    let body = "{\"upload\": \"presigned\", \"name\": \"a.txt\", \"size\": 3, \"parent_id\": \"{id}\"}";
    vec![write("POST", "/api/files", &[JSON], body)]
}

/// To an upload that is another's.
pub fn of_uploads() -> Vec<Row> {
    const UPLOAD: &str = "/api/uploads/{id}";
    vec![
        look("GET", UPLOAD, &[TUS]),
        look("HEAD", UPLOAD, &[TUS]),
        write("PATCH", UPLOAD, &[TUS, BYTES, ("Upload-Offset", "1")], "abc"),
        write("PATCH", UPLOAD, &[TUS, BYTES, ("Upload-Offset", "9999")], "abc"),
        write("PATCH", UPLOAD, &[TUS, BYTES, ("Upload-Offset", "5")], "too many bytes"),
        write("POST", "/api/files/{id}/confirm", &[], ""),
        write("DELETE", UPLOAD, &[TUS], ""),
    ]
}
