//! Secrets at rest, as whoever steals files or a dump would see them, and the keys that open them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::{ADMIN, Server, Settings, realnet, run, text};
use realnet_client::Client;
use serde_json::{Value, json};

/// What must be found nowhere.
const NEEDLE: &str = "hush-4711-needle";
const OF_THE_FILE: &str = "file-0815-needle";

/// A folder with an initialization file: a type with a secret, and an item that has one.
fn prepare(folder: &Path) -> Settings {
    let init = folder.join("init");
    std::fs::create_dir(&init).unwrap();
    let document = json!({
        "types": [{"name": "Vault", "base": "Item", "fields": [{"name": "pin", "type": "secret"}]}],
        "items": [{"name": "Given", "type": "Vault", "pin": OF_THE_FILE}],
    });
    std::fs::write(init.join("vault.json"), document.to_string()).unwrap();
    vec![("REALNET_INIT_PATH".to_owned(), init.to_str().unwrap().to_owned())]
}

/// The bytes of all files of the store in a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let names = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    let named = names.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()));
    named.filter(|(name, _)| name.contains("realnet.db") || name.contains("log")).collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn secrets(folder: &Path, settings: &Settings, arguments: &[&str]) -> std::process::Output {
    let pairs = settings.iter().map(|(name, value)| (name, value));
    run(realnet(folder).arg("secrets").args(arguments).envs(pairs))
}

fn status(folder: &Path, settings: &Settings) -> String {
    let output = secrets(folder, settings, &["status"]);
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn refusal(folder: &Path, settings: &Settings) -> String {
    let output = run(common::server_command(folder, settings).stdin(Stdio::null()));
    assert!(!output.status.success(), "{}", text(&output));
    text(&output)
}

/// Creates vaults, some hundreds at a time.
async fn fill(client: &Client, count: usize) {
    let vaults: Vec<Value> =
        (0..count).map(|index| json!({"name": format!("{index}"), "pin": NEEDLE})).collect();
    for part in vaults.chunks(500) {
        client.create("vault", &json!(part)).await.unwrap();
    }
}

#[tokio::test]
async fn an_embedded_store_holds_no_plain_secret_and_no_key() {
    let (_guard, folder) = common::folder();
    let settings = prepare(&folder);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = common::server_command(&folder, &settings);
    let server = Server::spawn_logging(command.env("REALNET_DEBUG", "true"), log);
    let client = server.admin().await;
    let vault = client.create("vault", &json!({"name": "V", "pin": NEEDLE})).await.unwrap();
    assert!(vault["attributes"].get("pin").is_none(), "{vault}");
    let id = vault["id"].as_str().unwrap();
    let patch = json!({"status": "new", "pin": format!("{NEEDLE} again")});
    client.patch("vault", id, &patch, None).await.unwrap();
    // As a crash leaves it: the write-ahead log is there still.
    server.kill();
    let key = std::fs::read_to_string(folder.join("realnet.db.secret-key")).unwrap();
    let (_, key) = key.trim().split_once(':').unwrap();
    let mut looked = 0;
    for (name, bytes) in files(&folder).iter().filter(|(name, _)| !name.ends_with(".secret-key")) {
        for needle in [NEEDLE, OF_THE_FILE, key] {
            assert!(!holds(bytes, needle.as_bytes()), "{name} holds {needle}");
        }
        looked += usize::from(holds(bytes, b"$sealed"));
    }
    assert!(looked > 0, "the sealed value is there");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join("realnet.db.secret-key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Starting again neither writes the item of the file anew nor makes another key.
    for _ in 0..2 {
        let server = Server::start_with(&folder, &settings);
        let found = server.admin().await.list("vault", &realnet_client::ListQuery::default()).await.unwrap();
        let given = found.items.iter().find(|item| item["name"] == "Given").unwrap().clone();
        assert_eq!(given["version"], 1, "{given}");
        assert!(server.stop());
    }
    let shown = status(&folder, &settings);
    assert!(shown.contains(" 2\n") && !shown.contains("plain"), "{shown}");
}

#[tokio::test]
async fn a_store_whose_keys_are_lost_does_not_start() {
    let (_guard, folder) = common::folder();
    let settings = prepare(&folder);
    let server = Server::start_with(&folder, &settings);
    let mut client = server.admin().await;
    let token = client.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap().token;
    assert!(server.stop());
    let (file, kept) = (folder.join("realnet.db.secret-key"), folder.join("kept"));
    std::fs::rename(&file, &kept).unwrap();
    let id = std::fs::read_to_string(&kept).unwrap().split(':').next().unwrap().to_owned();
    let words = refusal(&folder, &settings);
    assert!(words.contains(&id) && words.contains("realnet.db.secret-key"), "{words}");
    assert!(!file.exists(), "no new key hides that the old one is gone");
    let generated = secrets(&folder, &settings, &["generate"]);
    let other = String::from_utf8(generated.stdout).unwrap().trim().to_owned();
    let with = |keys: &str| {
        let mut settings = settings.clone();
        settings.push(("REALNET_SECRET_KEY".to_owned(), keys.to_owned()));
        settings
    };
    assert!(refusal(&folder, &with(&other)).contains(&id), "another key");
    let (_, bytes) = other.split_once(':').unwrap();
    let words = refusal(&folder, &with(&format!("{id}:{bytes}")));
    assert!(words.contains("not the one") && !words.contains(bytes), "{words}");
    let words = refusal(&folder, &with("hunter2"));
    assert!(words.contains("REALNET_SECRET_KEY") && !words.contains("hunter2"), "{words}");
    let check = run(common::server_command(&folder, &settings).arg("--check"));
    assert!(!check.status.success() && !file.exists(), "{}", text(&check));
    // The variable wins over the file, which is not needed then.
    let key = std::fs::read_to_string(&kept).unwrap().trim().to_owned();
    let server = Server::start_with(&folder, &with(&key));
    let mut client = Client::new(&server.address).unwrap();
    client.set_token(token);
    client.whoami().await.expect("the key that signs tokens was opened, not made anew");
    assert!(server.stop() && !file.exists());
    std::fs::rename(&kept, &file).unwrap();
    assert!(Server::start_with(&folder, &settings).stop());
}

#[tokio::test]
async fn a_new_key_is_put_in_even_when_it_is_interrupted() {
    let (_guard, folder) = common::folder();
    let settings = prepare(&folder);
    let server = Server::start_with(&folder, &settings);
    let client = server.admin().await;
    fill(&client, 3000).await;
    let running = secrets(&folder, &settings, &["rotate"]);
    assert!(!running.status.success() && text(&running).contains("in use"), "{}", text(&running));
    assert!(server.stop());
    let old = std::fs::read_to_string(folder.join("realnet.db.secret-key")).unwrap().trim().to_owned();
    let old_id = old.split(':').next().unwrap().to_owned();
    let mut killed_within = false;
    let file = folder.join("realnet.db.secret-key");
    for delay in [1, 20, 60, 150, 300, 600] {
        let before = std::fs::read_to_string(&file).unwrap();
        let mut command = realnet(&folder);
        command.args(["secrets", "rotate", "--new-key"]).envs(settings.iter().cloned());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while std::fs::read_to_string(&file).unwrap() == before {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let keys = std::fs::read_to_string(&file).unwrap();
        assert!(keys.contains(&old), "no key is lost");
        let counted = status(&folder, &settings);
        let items = counted.lines().find(|line| line.starts_with("secrets of items")).unwrap().to_owned();
        assert_eq!(count_of(&items), 3001, "{counted}");
        killed_within |= items.matches(", ").count() > 0;
    }
    assert!(killed_within, "no kill came in the midst of it");
    let done = secrets(&folder, &settings, &["rotate"]);
    assert!(done.status.success(), "{}", text(&done));
    let counted = status(&folder, &settings);
    let keys = std::fs::read_to_string(folder.join("realnet.db.secret-key")).unwrap().trim().to_owned();
    let primary = keys.split(',').next().unwrap();
    let primary_id = primary.split(':').next().unwrap();
    assert!(counted.contains(&format!("secrets of items: {primary_id} 3001")), "{counted}");
    assert!(counted.contains(&format!("needed at each start: {primary_id}\n")), "{counted}");
    assert!(counted.contains(&format!("{old_id} 3001")), "the history is as it was: {counted}");
    // The old keys can go.
    std::fs::write(folder.join("realnet.db.secret-key"), primary).unwrap();
    let again = secrets(&folder, &settings, &["rotate"]);
    assert!(
        again.status.success() && text(&again).contains("3001 items with secrets, 0 sealed"),
        "{}",
        text(&again)
    );
    let server = Server::start_with(&folder, &settings);
    let found = server.admin().await.list("vault", &realnet_client::ListQuery::default()).await.unwrap();
    assert!(found.items.iter().all(|item| item["version"] == 1), "nobody sees that it was sealed anew");
    assert!(server.stop());
}

/// The sum of the counts of a line such as `secrets of items: a 3, b 4`.
fn count_of(line: &str) -> usize {
    let counts = line.split_once(": ").unwrap().1.split(", ");
    counts.map(|part| part.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

/// All rows of all tables of a database as text; bytes are hexadecimal there.
async fn dump(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()";
    let mut text = String::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        for row in client.query(&format!("SELECT t::text FROM \"{table}\" t"), &[]).await.unwrap() {
            text.push_str(&row.get::<_, String>(0));
        }
    }
    drop(client);
    connection.await.unwrap().unwrap();
    text
}

fn tells(dump: &str, needle: &str) -> bool {
    let digits = needle.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hexadecimal: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    dump.contains(needle) || dump.contains(&hexadecimal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_postgresql_holds_no_plain_secret() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let (_guard, folder) = common::folder();
    let mut settings = prepare(&folder);
    settings.extend(common::postgres_settings(database.url()));
    let generated = secrets(&folder, &settings, &["generate"]);
    let key = String::from_utf8(generated.stdout).unwrap().trim().to_owned();
    settings.push(("REALNET_SECRET_KEY".to_owned(), key.clone()));
    let server = Server::start_with(&folder, &settings);
    let client = server.admin().await;
    let vault = client.create("vault", &json!({"name": "V", "pin": NEEDLE})).await.unwrap();
    client.patch("vault", vault["id"].as_str().unwrap(), &json!({"status": "x"}), None).await.unwrap();
    let dump = dump(database.url()).await;
    assert!(dump.contains("$sealed") && tells(&dump, "sealed:"), "items and settings are there");
    for needle in [NEEDLE, OF_THE_FILE, key.split_once(':').unwrap().1] {
        assert!(!tells(&dump, needle), "{needle}");
    }
    assert!(server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_without_a_key_warns_and_is_sealed_later_beside_writers() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let (_guard, folder) = common::folder();
    let mut settings = prepare(&folder);
    settings.extend(common::postgres_settings(database.url()));
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let server = Server::spawn_logging(&mut common::server_command(&folder, &settings), log);
    fill(&server.admin().await, 1200).await;
    assert!(server.stop());
    let words = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(
        words.contains("REALNET_SECRET_KEY is not set") && words.contains("realnet secrets generate"),
        "{words}"
    );
    assert!(!words.contains(NEEDLE));
    assert!(tells(&dump(database.url()).await, "$plain"), "plain values are marked");
    let refused = secrets(&folder, &settings, &["rotate"]);
    assert!(!refused.status.success() && text(&refused).contains("REALNET_SECRET_KEY"), "{}", text(&refused));

    let generated = secrets(&folder, &settings, &["generate"]);
    let key = String::from_utf8(generated.stdout).unwrap().trim().to_owned();
    let plain = settings.clone();
    settings.push(("REALNET_SECRET_KEY".to_owned(), key.clone()));
    let server = Server::start_with(&folder, &settings);
    let client = server.admin().await;
    let writer = tokio::spawn(async move {
        let vault = client.create("vault", &json!({"name": "busy", "pin": "0"})).await.unwrap();
        let id = vault["id"].as_str().unwrap().to_owned();
        for round in 1..=60 {
            let patch = json!({"status": format!("{round}"), "pin": format!("{NEEDLE} {round}")});
            client.patch("vault", &id, &patch, None).await.unwrap();
        }
        client.get("vault", &id).await.unwrap()
    });
    let rotated = tokio::task::block_in_place(|| secrets(&folder, &settings, &["rotate"]));
    assert!(rotated.status.success(), "{}", text(&rotated));
    assert!(
        text(&rotated).contains("or with none"),
        "servers without a key go on in plain text: {}",
        text(&rotated)
    );
    let busy = writer.await.unwrap();
    assert_eq!((&busy["version"], &busy["status"]), (&json!(61), &json!("60")), "no write was lost");
    let id = key.split(':').next().unwrap();
    let counted = tokio::task::block_in_place(|| status(&folder, &settings));
    assert!(counted.contains(&format!("secrets of items: {id} 1202\n")), "{counted}");
    assert!(counted.contains("plain 1201"), "earlier states are as they were: {counted}");
    assert!(server.stop());
    assert!(refusal(&folder, &plain).contains(id), "there is no way back without the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_taken_away_too_early_is_named() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let (_guard, folder) = common::folder();
    let mut settings = prepare(&folder);
    settings.extend(common::postgres_settings(database.url()));
    let generate =
        || String::from_utf8(secrets(&folder, &settings, &["generate"]).stdout).unwrap().trim().to_owned();
    let (old, new) = (generate(), generate());
    let with = |keys: &str| {
        let mut settings = settings.clone();
        settings.push(("REALNET_SECRET_KEY".to_owned(), keys.to_owned()));
        settings
    };
    // This server keeps the old key in front while everything is sealed under the new one, and then writes on.
    let server = Server::start_with(&folder, &with(&format!("{old},{new}")));
    let client = server.admin().await;
    let rotate = |keys: &str| tokio::task::block_in_place(|| secrets(&folder, &with(keys), &["rotate"]));
    let both = format!("{new},{old}");
    let rotated = rotate(&both);
    assert!(rotated.status.success(), "{}", text(&rotated));
    let vault = client.create("vault", &json!({"name": "late", "pin": NEEDLE})).await.unwrap();
    assert!(server.stop());
    let refused = rotate(&new);
    let words = text(&refused);
    let id = old.split(':').next().unwrap();
    assert!(!refused.status.success() && words.contains(&format!("not given: {id};")), "{words}");
    assert!(words.contains("put them back behind the first key"), "{words}");
    assert!(words.contains(vault["id"].as_str().unwrap()), "{words}");
    let done = rotate(&both);
    assert!(done.status.success() && text(&done).contains("1 sealed anew"), "{}", text(&done));
    assert!(rotate(&new).status.success());
}

/// Without its key no store starts; giving up what is sealed under it is the way out, and keeps all else.
#[tokio::test]
async fn a_lost_key_is_given_up() {
    for (kind, name, key) in
        [("sqlite", "shop.db", "shop.db.secret-key"), ("json", "documents", "documents/.realnet/secret-key")]
    {
        let (_guard, folder) = common::folder();
        let mut settings = prepare(&folder);
        settings.push(("REALNET_DB_TYPE".to_owned(), kind.to_owned()));
        settings.push(("REALNET_DB_NAME".to_owned(), name.to_owned()));
        let give_up = |arguments: &[&str], works: bool| {
            let output = secrets(&folder, &settings, &[&["give-up"][..], arguments].concat());
            assert_eq!(output.status.success(), works, "{}", text(&output));
            text(&output)
        };
        assert!(give_up(&["--yes"], false).contains("there is no store"));

        let server = Server::start_with(&folder, &settings);
        let mut client = server.admin().await;
        let token = client.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap().token;
        let vault = client.create("vault", &json!({"name": "V", "pin": NEEDLE})).await.unwrap();
        let id = vault["id"].as_str().unwrap();
        give_up(&["--yes"], false);
        assert!(server.stop(), "a server that has the store keeps it");
        assert!(give_up(&["--yes"], true).contains("nothing is lost"));

        std::fs::remove_file(folder.join(key)).unwrap();
        let words = refusal(&folder, &settings);
        assert!(words.contains("realnet secrets give-up"), "{words}");
        let words = give_up(&[], false);
        for told in
            ["Pass --yes", "(Vault 2)", "the key that signs tokens", "REALNET_SECRET_KEY is not set here"]
        {
            assert!(words.contains(told), "{words}");
        }
        assert!(!folder.join(key).exists(), "nothing is done before it was confirmed");
        let words = give_up(&["--yes"], true);
        assert!(words.contains("given up: 2 items changed"), "{words}");

        let server = Server::start_with(&folder, &settings);
        let mut late = Client::new(&server.address).unwrap();
        late.set_token(token);
        assert!(late.whoami().await.is_err(), "the key that signs tokens is another");
        let client = server.admin().await;
        let found = client.get("vault", id).await.unwrap();
        assert_eq!((&found["version"], &found["name"]), (&json!(2), &json!("V")), "{found}");
        client.patch("vault", id, &json!({"pin": NEEDLE}), None).await.unwrap();
        assert!(server.stop());
        assert!(give_up(&["--yes"], true).contains("nothing is lost"));
    }
}
