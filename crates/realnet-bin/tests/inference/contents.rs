//! What a caller may not read is as if it were nowhere, by every way to contents, too: the data of items, small pictures, uploads in pieces
//! and past the server. Each row of the table is asked with an id that is there and with one that is not; status, head and body are the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_testkit::engines::s3_place;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{self, ADMIN, Server, Settings};
use crate::content_rows::{MOST, Row, of_files, of_folders, of_signed_folders, of_uploads};
use crate::{PASSWORD, head_of, plain};

/// An id that nothing has.
const NOWHERE: &str = "018f0000-0000-7000-8000-000000000001";

/// A picture of one pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    !\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// What somebody has whom others do not see.
struct Hidden {
    token: String,
    /// An image with a content, and the tags of that.
    file: String,
    tag: String,
    thumb: String,
    folder: String,
    /// Uploads: half of one, and one that is done.
    uploads: Vec<String>,
    /// Of one name, for everybody: one shows the content of the image, the other that of a file without any.
    shown: [String; 2],
}

/// Somebody who asks.
struct Asker {
    name: &'static str,
    token: String,
    /// A file of their own.
    own: String,
}

struct World {
    _folder: tempfile::TempDir,
    server: Server,
    http: reqwest::Client,
    root: String,
}

/// An answer.
struct Answer {
    status: u16,
    head: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {:?}", self.head))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text())).to_owned()
    }

    /// The part of its tag between the quotes.
    fn tag(&self) -> String {
        self.header("etag").trim_matches('"').to_owned()
    }
}

impl World {
    async fn start(settings: &Settings) -> Self {
        let (guard, folder) = common::folder();
        let most = ("REALNET_STORAGE_MAX_SIZE".to_owned(), MOST.to_string());
        let settings: Settings = settings.iter().cloned().chain([most]).collect();
        let server = Server::start_with(&folder, &settings);
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&server.address).unwrap();
        let http = reqwest::Client::new();
        let mut world = Self { _folder: guard, server, http, root: String::new() };
        world.root = world.token(&json!({"username": ADMIN.0, "password": ADMIN.1})).await;
        world
    }

    async fn token(&self, login: &Value) -> String {
        let answer = self.must("", "POST", "/api/auth", login).await.json();
        answer["token"].as_str().unwrap_or_else(|| panic!("{login}: {answer}")).to_owned()
    }

    /// An account that has signed in.
    async fn account(&self, username: &str, role: &str, org: Option<(&str, &str)>) -> String {
        let mut account = json!({"username": username, "password": PASSWORD, "role": role});
        let mut login = json!({"username": username, "password": PASSWORD});
        if let Some((id, name)) = org {
            account["org"] = id.into();
            login["org"] = name.into();
        }
        self.must(&self.root, "POST", "/api/accounts", &account).await;
        self.token(&login).await
    }

    async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.server.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let (status, head) = (answer.status().as_u16(), head_of(answer.headers(), false));
        Answer { status, head, body: answer.bytes().await.unwrap().to_vec() }
    }

    async fn must(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let headers: &[_] = if body.is_null() { &[] } else { &[("Content-Type", "application/json")] };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.send(token, method, path, headers, body).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        answer
    }

    /// Begins an upload of ten bytes with these; its id.
    async fn begin(&self, token: &str, first: &str) -> String {
        let headers = [("Upload-Length", "10"), ("Content-Type", "application/offset+octet-stream")];
        let answer = self.send(token, "POST", "/api/uploads", &headers, first.into()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").rsplit('/').next().unwrap().to_owned()
    }

    /// What the owner of a token has.
    async fn hide(&self, token: String) -> Hidden {
        let by = token.as_str();
        let made =
            self.send(by, "POST", "/api/files?name=a.gif", &[("Content-Type", "image/gif")], GIF.into());
        let made = made.await;
        assert_eq!(made.json()["type"], "Image", "{}", made.text());
        let file = made.id();
        let data = format!("/api/files/{file}/data");
        let tag = self.must(by, "GET", &data, &Value::Null).await.tag();
        let thumb = self.must(by, "GET", &format!("{data}?thumb=64x64"), &Value::Null).await.tag();
        assert_ne!(tag, thumb);
        let folder = self.must(by, "POST", "/api/folders", &json!({"name": "in"})).await.id();
        let below = json!({"name": "below", "parent_id": folder});
        self.must(by, "POST", "/api/files", &below).await;
        let bare = self.must(by, "POST", "/api/files", &json!({"name": "bare"})).await.id();
        let mut shown = [file.clone(), bare];
        for template in &mut shown {
            let body = json!({"name": "t.gif", "public": true, "template": template});
            *template = self.must(by, "POST", "/api/images", &body).await.id();
        }
        let uploads = vec![self.begin(by, "hello").await, self.begin(by, "hello all.").await];
        Hidden { token, file, tag, thumb, folder, uploads, shown }
    }

    async fn asker(&self, name: &'static str, token: String) -> Asker {
        let body = json!({"name": "own"}).to_string().into_bytes();
        let made =
            self.send(&token, "POST", "/api/files", &[("Content-Type", "application/json")], body).await;
        let own = made.json()["id"].as_str().unwrap_or(NOWHERE).to_owned();
        Asker { name, token, own }
    }

    /// The whole answer to a row about an id; ids and times put away.
    async fn answer(&self, asker: &Asker, row: &Row, hidden: &Hidden, id: &str) -> String {
        let fill = |text: &str| {
            text.replace("{id}", id)
                .replace("{tag}", &hidden.tag)
                .replace("{thumb}", &hidden.thumb)
                .replace("{own}", &asker.own)
        };
        let mut headers: Vec<(&str, String)> =
            row.headers.iter().map(|(name, value)| (*name, fill(value))).collect();
        if !row.said.is_empty() {
            let pair = |(name, value): &(&str, &str)| format!("{name} {}", STANDARD.encode(fill(value)));
            headers.push(("Upload-Metadata", row.said.iter().map(pair).collect::<Vec<String>>().join(",")));
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = fill(&row.body).into_bytes();
        let answer = self.send(&asker.token, row.method, &fill(row.path), &headers, body).await;
        plain(&format!("{}\n{}\n\n{}", answer.status, answer.head.join("\n"), answer.text()))
    }

    /// Asks rows about two ids; what is answered differently.
    async fn told(&self, asker: &Asker, rows: &[Row], hidden: &Hidden, ids: [&str; 2]) -> Vec<String> {
        let mut told = Vec::new();
        for row in rows {
            let left = self.answer(asker, row, hidden, ids[0]).await;
            let right = self.answer(asker, row, hidden, ids[1]).await;
            if left != right {
                let Row { method, path, headers, .. } = row;
                told.push(format!(
                    "{}: {method} {path} {headers:?}\n{left}\n--- but ---\n{right}",
                    asker.name
                ));
            }
        }
        told
    }

    /// What somebody is told of what they may not see.
    async fn told_of(&self, asker: &Asker, hidden: &Hidden, rows: &Table) -> Vec<String> {
        let mut told = self.told(asker, &rows.files, hidden, [&hidden.file, NOWHERE]).await;
        told.extend(self.told(asker, &rows.folders, hidden, [&hidden.folder, NOWHERE]).await);
        for upload in &hidden.uploads {
            told.extend(self.told(asker, &rows.uploads, hidden, [upload, NOWHERE]).await);
        }
        let [with, without] = &hidden.shown;
        told.extend(self.told(asker, &rows.shown, hidden, [with, without]).await);
        told
    }

    /// Sees that what is there is told to who may see it, row by row: the table asks for what is there.
    async fn must_tell(&self, hidden: &Hidden, rows: &Table) {
        let owner = self.asker("the owner", hidden.token.clone()).await;
        let [with, without] = &hidden.shown;
        // Half of a file can not be confirmed: it would be given up.
        let half: Vec<Row> =
            rows.uploads.iter().filter(|row| !row.path.ends_with("confirm")).cloned().collect();
        for (rows, ids) in [
            (&rows.shown, [with.as_str(), without.as_str()]),
            (&rows.folders, [hidden.folder.as_str(), NOWHERE]),
            (&half, [hidden.uploads[0].as_str(), NOWHERE]),
            (&rows.uploads, [hidden.uploads[1].as_str(), NOWHERE]),
            (&rows.files, [hidden.file.as_str(), NOWHERE]),
        ] {
            for row in rows {
                let told = self.told(&owner, std::slice::from_ref(row), hidden, ids).await;
                assert!(!told.is_empty(), "{} {} {:?} {ids:?}", row.method, row.path, row.headers);
            }
        }
    }
}

/// What is asked about each kind of thing.
struct Table {
    files: Vec<Row>,
    folders: Vec<Row>,
    uploads: Vec<Row>,
    shown: Vec<Row>,
}

impl Table {
    fn new(signs: bool) -> Self {
        let more = if signs { of_signed_folders() } else { Vec::new() };
        // Of what shows the content of another, that content.
        let shows = |row: &Row| row.path.contains("{id}/data") && !row.path.starts_with("/api/items");
        let shows = |row: &Row| row.only_looks && shows(row);
        let shown = of_files().into_iter().filter(shows).collect();
        let folders = of_folders().into_iter().chain(more).collect();
        Self { files: of_files(), folders, uploads: of_uploads(), shown }
    }

    /// Without what takes more than the right to read.
    fn only_looks(&self) -> Self {
        let looks = |rows: &[Row]| rows.iter().filter(|row| row.only_looks).cloned().collect();
        Self {
            files: looks(&self.files),
            folders: self.folders.clone(),
            uploads: self.uploads.clone(),
            shown: self.shown.clone(),
        }
    }
}

/// Lets nobody be told; `signs` where the storage signs requests.
async fn compare(settings: &Settings, signs: bool) {
    let world = World::start(settings).await;
    let beyond = world.must(&world.root, "POST", "/api/orgs", &json!({"name": "beyond"})).await.id();
    let mut here = world.hide(world.account("ona", "user", None).await).await;
    let mut there = world.hide(world.account("fay", "admin", Some((&beyond, "beyond"))).await).await;
    let mut sent = String::new();
    if signs {
        for hidden in [&mut here, &mut there] {
            sent = world.sign(&hidden.token, true).await;
            hidden.uploads.push(sent.clone());
            hidden.uploads.push(world.sign(&hidden.token, false).await);
        }
    }
    let table = Table::new(signs);

    let uma = world.asker("a user", world.account("uma", "user", None).await).await;
    let orla = world.asker("an administrator", world.account("orla", "admin", None).await).await;
    let stranger = world.asker("a stranger", String::new()).await;
    let mut told = Vec::new();
    for asker in [&uma, &stranger] {
        told.extend(world.told_of(asker, &here, &table).await);
        told.extend(world.told_of(asker, &there, &table).await);
    }
    // Administrators see the items of their org, and uploads of nobody.
    told.extend(world.told_of(&orla, &there, &table).await);
    for upload in &here.uploads {
        told.extend(world.told(&orla, &table.uploads, &here, [upload, NOWHERE]).await);
    }
    // A key that may create files, and read none. What its account has begun is the account's.
    let scopes = json!({"name": "sends", "scopes": [{"resource": "files", "permissions": ["create"]}]});
    let key = world.must(&here.token, "POST", "/api/keys", &scopes).await.json();
    let key = world.asker("a key of the owner", key["key"].as_str().unwrap().to_owned()).await;
    told.extend(world.told(&key, &table.files, &here, [&here.file, NOWHERE]).await);
    told.extend(world.told(&key, &table.folders, &here, [&here.folder, NOWHERE]).await);
    // Who may write without reading.
    let wren = world.asker("a writer", world.account("wren", "user", None).await).await;
    let found = world.must(&world.root, "GET", "/api/accounts?username=wren", &Value::Null).await.json();
    let grants =
        json!([{"subject": {"type": "account", "id": found[0]["id"]}, "permissions": ["write", "delete"]}]);
    for path in [format!("/api/files/{}/acl", here.file), format!("/api/folders/{}/acl", here.folder)] {
        world.must(&here.token, "PUT", &path, &grants).await;
    }
    told.extend(world.told_of(&wren, &here, &table.only_looks()).await);
    assert!(told.is_empty(), "{} answers tell what is there:\n\n{}", told.len(), told.join("\n\n"));

    world.must_tell(&here, &table).await;
    if signs {
        let path = format!("/api/files/{sent}/confirm");
        let item = world.must(&there.token, "POST", &path, &Value::Null).await;
        let data = format!("/api/files/{}/data", item.id());
        assert_eq!(world.must(&there.token, "GET", &data, &Value::Null).await.text(), "abc");
    }
}

impl World {
    /// Begins an upload past the server, and sends the bytes or not; its id.
    async fn sign(&self, token: &str, sends: bool) -> String {
        let body = json!({"upload": "presigned", "name": "p.txt", "size": 3, "content_type": "text/plain"});
        let answer = self.must(token, "POST", "/api/files", &body).await;
        let signed = answer.json();
        if sends {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let part = |name: &str, value: &str| {
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let fields = signed["fields"].as_object().unwrap();
            let mut form: String = fields.iter().map(|(name, value)| part(name, &text(value))).collect();
            form.push_str("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.txt\"\r\n");
            form.push_str("Content-Type: text/plain\r\n\r\nabc\r\n--b--\r\n");
            let sent = self.http.post(text(&signed["url"]));
            let sent = sent.header("Content-Type", "multipart/form-data; boundary=b").body(form);
            let sent = sent.send().await.unwrap();
            assert!(sent.status().is_success(), "{}: {}", sent.status(), sent.text().await.unwrap());
        }
        answer.id()
    }
}

#[tokio::test]
async fn contents_in_memory_are_as_if_nowhere() {
    compare(&vec![("REALNET_DB_TYPE".to_owned(), "memory".to_owned())], false).await;
}

#[tokio::test]
async fn contents_beside_sqlite_are_as_if_nowhere() {
    compare(&Settings::new(), false).await;
}

#[tokio::test]
async fn contents_in_a_bucket_are_as_if_nowhere() {
    compare(&common::s3_settings(&s3_place().await.unwrap()), true).await;
}
