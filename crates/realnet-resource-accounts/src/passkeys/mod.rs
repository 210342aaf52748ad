//! Passkeys (WebAuthn): keys of a person's devices that sign in without a password, each bound to the address of this server.
//!
//! The way of one: `register` asks a browser for a new one and keeps its public key, `assert` lets it sign in, `manage` lists and
//! removes. `party` says who this server is in both ceremonies, `kept` what stays of a passkey. Nothing of the `passki` crate,
//! which checks what authenticators have signed, is seen outside of this folder.

mod assert;
mod kept;
mod manage;
mod party;
mod register;

pub(crate) use kept::has_passkey;

use realnet_core::provider::RecordKind;
use realnet_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::under_way::UnderWay;

/// How long a person may take, in seconds.
const LIFE: i64 = 300;
/// The longest document of a credential that is read, in bytes.
const MAX_CREDENTIAL: usize = 32 * 1024;
/// Ceremonies under way, by their challenge.
const REGISTRATION: UnderWay = UnderWay { kind: RecordKind::Challenge, what: "passkey-new" };
const ASSERTION: UnderWay = UnderWay { kind: RecordKind::Challenge, what: "passkey" };

/// Reads what a browser has made, as its `toJSON()` gives it.
fn read<T: DeserializeOwned>(credential: Value) -> Result<T> {
    let refused = || Error::malformed_at("credential", "expected the JSON form of a public key credential");
    if !credential.is_object() || credential.to_string().len() > MAX_CREDENTIAL {
        return Err(refused());
    }
    // The cause may repeat what was given.
    serde_json::from_value(credential).map_err(|_| refused())
}

/// A document of the library.
fn document(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal("options of a passkey can not be written").with_source(error))
}

/// How long a person may take, as browsers are told, in milliseconds.
const fn patience() -> u64 {
    LIFE.unsigned_abs() * 1000
}
