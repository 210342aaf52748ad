//! Passkeys as people use them: a real server, a real browser, and a device that the browser has been given.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{ADMIN, Server};
use realnet_testkit::engines::{free_port, passkeys};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_a_passkey_with_a_browser() {
    let (_guard, folder) = common::folder();
    // A passkey is bound to the address, which has to be known before.
    let free = free_port().unwrap();
    let address = format!("http://localhost:{free}");
    let settings = [("REALNET_SERVER_PORT", free.to_string()), ("REALNET_PUBLIC_URL", address.clone())];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let server = Server::start_with(&folder, &settings);
    let told =
        tokio::task::spawn_blocking(move || passkeys(&address, ADMIN.0, ADMIN.1)).await.unwrap().unwrap();
    assert_eq!(
        (&told["added"]["status"], &told["added"]["body"]["name"]),
        (&json!(200), &json!("A browser")),
        "{told}"
    );
    assert_eq!(told["again"]["failed"], "InvalidStateError", "{told}");
    assert_eq!((&told["out"]["status"], &told["nobody"]["status"]), (&json!(204), &json!(401)), "{told}");
    assert_eq!(told["in"]["status"], 200, "{told}");
    assert!(
        told["in"]["body"]["csrf_token"].is_string() && told["in"]["body"].get("token").is_none(),
        "{told}"
    );
    assert_eq!(told["who"]["body"]["account"]["username"], ADMIN.0, "{told}");
    // The browser sees to these two, before anything is sent.
    assert_eq!(told["stranger"]["failed"], "NotAllowedError", "{told}");
    assert_eq!(told["elsewhere"]["failed"], "SecurityError", "{told}");
    assert_eq!(told["copy"]["status"], 401, "{told}");
    assert!(told["copy"]["body"]["detail"].as_str().unwrap().contains("two places"), "{told}");
    let audit = server.admin().await.audit(&[("kind", "sign_in_failed")]).await.unwrap().to_string();
    assert!(audit.contains("\"reason\":\"copied\""), "{audit}");
}
