//! What is kept of a sign-in that is under way at a provider, and of one that a program has still to fetch.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::Uuid;
use realnet_core::provider::RecordKind;

use crate::under_way::UnderWay;

/// How long somebody may take at the provider, in seconds.
pub(super) const LIFE: i64 = 600;
/// Sign-ins whose browser is at the provider, by their state.
pub(super) const STATE: UnderWay = UnderWay { kind: RecordKind::Login, what: "state" };
/// Sessions that a program may fetch, by their code.
pub(super) const CODE: UnderWay = UnderWay { kind: RecordKind::Login, what: "code" };

/// What a browser left with.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Login {
    pub(super) provider: Uuid,
    /// As it was then: what has been changed since is another provider.
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) nonce: String,
    /// The verifier of the code's exchange.
    pub(super) verifier: String,
    /// Hash of what the browser keeps.
    pub(super) binding: String,
    /// Where the provider sends it back to.
    pub(super) callback: String,
    /// Where it goes then: a path of this server, or the address of a program.
    pub(super) return_to: String,
    /// The challenge of the program that fetches the session; the browser itself gets it when there is none.
    pub(super) challenge: Option<String>,
    /// The account to be linked, and the session in which that was asked for.
    pub(super) link: Option<(Uuid, Uuid)>,
}

/// A session that a program may fetch.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Handover {
    pub(super) account: Uuid,
    pub(super) org: Uuid,
    /// The account's epoch: what has ended its sessions ends this as well.
    pub(super) epoch: i64,
    pub(super) provider: Uuid,
    pub(super) challenge: String,
}

/// 256 random bits, as text.
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Where a provider sends browsers back to: an address of its own, or the one of all.
pub(super) fn callback_path(own: Option<Uuid>) -> String {
    own.map_or_else(|| "/api/auth/oidc/callback".to_owned(), |id| format!("/api/auth/{id}/callback"))
}
