//! Signing in elsewhere, as people do it: a real server, a real provider of identities, a real browser.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Server;
use realnet_client::Client;
use realnet_testkit::engines::{IdentityProvider, browse};
use serde_json::{Value, json};

/// A server with a provider.
struct Place {
    server: Server,
    admin: Client,
    provider: IdentityProvider,
    item: String,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn with(settings: Value) -> Self {
        let (guard, folder) = common::folder();
        let allowed = ("REALNET_OIDC_PRIVATE".to_owned(), "true".to_owned());
        let server = Server::start_with(&folder, &vec![allowed]);
        let admin = server.admin().await;
        let callback = format!("{}/api/auth/oidc/callback", server.address);
        let provider =
            tokio::task::spawn_blocking(move || IdentityProvider::start(&callback)).await.unwrap().unwrap();
        let mut item = json!({
            "name": "Example", "issuer": provider.issuer(), "client_id": IdentityProvider::CLIENT,
            "client_secret": IdentityProvider::SECRET,
        });
        item.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let item = admin.create("auths", &item).await.unwrap()["id"].as_str().unwrap().to_owned();
        Self { server, admin, provider, item, _folder: guard }
    }

    fn start(&self, parameters: &str) -> String {
        format!("{}/api/auth/oidc/{}/start?{parameters}", self.server.address, self.item)
    }

    /// Signs in as somebody and looks at who that is.
    fn visit(&self, login: Option<&str>) -> Value {
        let home = format!("{}/?welcome=1", self.server.address);
        json!({"open": self.start("return_to=/%3Fwelcome=1"), "login": login, "until": home, "ask": "/api/auth"})
    }
}

async fn browsed(visits: Value) -> Vec<Value> {
    let seen = tokio::task::spawn_blocking(move || browse(&visits)).await.unwrap().unwrap();
    seen.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_a_provider_with_a_browser() {
    let place = Place::with(json!({"create_accounts": true})).await;
    // The second time the provider remembers who it is, and nothing is to be typed.
    let seen = browsed(json!([place.visit(Some("eve")), place.visit(None)])).await;
    for visit in &seen {
        assert_eq!(visit["answer"]["status"], 200, "{visit}");
        assert_eq!(visit["answer"]["body"]["account"]["username"], "eve", "{visit}");
        assert!(
            visit["answer"]["body"]["csrf_token"].as_str().is_some_and(|token| token.len() == 64),
            "{visit}"
        );
        let cookies = visit["cookies"].as_array().unwrap();
        let of = |name: &str| cookies.iter().find(|cookie| cookie["name"] == name);
        for name in ["realnet", "realnet-refresh"] {
            assert_eq!(
                (&of(name).unwrap()["httpOnly"], &of(name).unwrap()["sameSite"]),
                (&json!(true), &json!("Strict"))
            );
        }
        assert!(of("realnet-login").is_none(), "its time is over: {visit}");
    }
    let accounts = place.admin.list("accounts", &realnet_client::ListQuery::default()).await.unwrap().items;
    let eve: Vec<&Value> =
        accounts.iter().filter(|account| account["attributes"]["username"] == "eve").collect();
    assert_eq!(eve.len(), 1, "{accounts:?}");
    let attributes = &eve[0]["attributes"];
    assert_eq!(
        (&attributes["email"], &attributes["email_verified"]),
        (&json!("eve@first.test"), &json!(true))
    );
    assert_eq!(
        (&attributes["role"], &attributes["display_name"]),
        (&json!("user"), &json!("eve of the provider"))
    );
    let text = place.admin.audit(&[("kind", "sign_in")]).await.unwrap().to_string();
    assert!(text.contains("oidc") && !text.contains(IdentityProvider::SECRET), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_by_an_address_that_both_have_verified() {
    let place = Place::with(json!({"link_by_email": true})).await;
    let mut made = Vec::new();
    for name in ["ann", "unproved"] {
        let body = json!({"username": format!("{name}-here"), "email": format!("{name}@first.test"), "email_verified": true});
        made.push(place.admin.create("accounts", &body).await.unwrap());
    }
    let seen = browsed(json!([place.visit(Some("ann"))])).await;
    assert_eq!(seen[0]["answer"]["body"]["account"]["id"], made[0]["id"], "{seen:?}");
    // Ends where it is said why.
    let callback = format!("{}/api/auth/oidc/callback", place.server.address);
    let refused = json!({"open": place.start(""), "login": "unproved", "until": callback});
    let seen = browsed(json!([refused])).await;
    assert!(
        seen[0]["text"].as_str().is_some_and(|text| text.contains("you have no account here")),
        "{seen:?}"
    );
    assert_eq!(
        seen[0]["cookies"].as_array().map(|cookies| cookies.iter().any(|cookie| cookie["name"] == "realnet")),
        Some(false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stops_is_unavailable_and_nobody_else_waits() {
    let place = Place::with(json!({"create_accounts": true})).await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let first = http.get(place.start("")).send().await.unwrap();
    assert_eq!(first.status(), 302);
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        location.starts_with(place.provider.issuer()) && location.contains("code_challenge_method=S256"),
        "{location}"
    );
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["realnet-login=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert_eq!(
        (&first.headers()["cache-control"], &first.headers()["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
    let Place { server, admin, provider, item, _folder } = place;
    let gone = json!({
        "issuer": provider.issuer().replace("localhost", "127.0.0.1"), "client_secret": IdentityProvider::SECRET,
    });
    drop(provider);
    // Under another name it is not known yet.
    admin.patch("auths", &item, &gone, None).await.unwrap();
    let start = format!("{}/api/auth/oidc/{item}/start", server.address);
    let answer = http.get(&start).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    admin.whoami().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_in_private_networks_are_reached_only_where_that_is_said() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let admin = server.admin().await;
    for issuer in [
        "http://127.0.0.1:9",
        "https://127.0.0.1:9",
        "https://169.254.169.254",
        "https://localhost:9",
        "https://[::1]:9",
    ] {
        let item = json!({"name": "Inside", "issuer": issuer, "client_id": "x"});
        let item = admin.create("auths", &item).await.unwrap()["id"].as_str().unwrap().to_owned();
        let answer = reqwest::get(format!("{}/api/auth/oidc/{item}/start", server.address)).await.unwrap();
        assert_eq!(answer.status(), 503, "{issuer}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("127.0.0.1") && !text.contains("refused"), "{text}");
    }
}

/// Codes would be sent wherever a stranger says, else.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_a_request_is_believed_on_this_machine_only() {
    let (_guard, folder) = common::folder();
    let proxy = ("REALNET_TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned());
    let server = Server::start_with(&folder, &vec![proxy]);
    let item = json!({"name": "Away", "issuer": "https://localhost:9", "client_id": "x"});
    let item = server.admin().await.create("auths", &item).await.unwrap()["id"].as_str().unwrap().to_owned();
    for (host, is_believed) in
        [("attacker.example", false), ("localhost.attacker.example", false), ("localhost:8080", true)]
    {
        let asked = reqwest::Client::new().get(format!("{}/api/auth/oidc/{item}/start", server.address));
        let asked = asked.header("X-Forwarded-For", "127.0.0.1").header("X-Forwarded-Proto", "https");
        let answer = asked.header("Host", host).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{host}: its provider is away, or the callback not known");
        let text = answer.text().await.unwrap();
        assert_eq!(!text.contains("where providers reach it"), is_believed, "{host}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_signs_in_by_a_browser() {
    use std::io::{BufRead as _, Read as _};
    let place = Place::with(json!({"create_accounts": true})).await;
    let (_guard, folder) = common::folder();
    let address = place.server.address.clone();
    let mut login = common::realnet(&folder)
        .args(["login", "--server", &address, "--oidc", "example"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(login.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let page = line.split_whitespace().last().unwrap().to_owned();
    assert!(page.starts_with(&format!("{address}/api/auth/oidc/")), "{line}");
    let seen =
        browsed(json!([{"open": page, "login": "eve", "until": "http://127.0.0.1:", "ask": null}])).await;
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(login.wait().unwrap().success(), "{rest} {seen:?}");
    let who = common::run(common::realnet(&folder).args(["info", "--server", &address]));
    assert!(who.status.success(), "{}", common::text(&who));
    let kept =
        common::run(common::realnet(&folder).args(["get", "account", "username=eve", "--server", &address]));
    assert!(common::text(&kept).contains("eve@first.test"), "{}", common::text(&kept));
    let unknown =
        common::run(common::realnet(&folder).args(["login", "--server", &address, "--oidc", "none"]));
    assert!(common::text(&unknown).contains("Example"), "{}", common::text(&unknown));
}
