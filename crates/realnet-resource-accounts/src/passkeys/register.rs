//! A new passkey: the browser of who is signed in makes it of the options given here, and its public key is kept.

use passki::{
    ClientData, PasskiError, RegistrationCredential, RegistrationOptions, RegistrationState,
    ResidentKeyRequirement, StoredPasskey, UserVerificationRequirement,
};
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::{Value, json};

use super::kept::{Kept, key};
use super::{LIFE, REGISTRATION, document, patience, read};
use crate::accounts::Accounts;
use crate::kind::{is_superuser, username_of};
use crate::notices::Notice;
use crate::sessions::from;

/// The most that an account has.
const MAX_PASSKEYS: usize = 20;
/// The longest name, in characters.
const MAX_NAME: usize = 64;
/// The longest id of a credential that the specification knows, in bytes.
const MAX_ID: usize = 1023;
/// The longest public key: that of the largest RSA key whose signatures are checked, and then some.
const MAX_KEY: usize = 2048;
/// What is offered, and nothing else is taken: EdDSA, ES256, ES384, RS256, RS384.
const ALGORITHMS: [i32; 5] = [-8, -7, -35, -257, -258];

/// A registration under way.
#[derive(serde::Serialize, serde::Deserialize)]
struct Begun {
    account: Uuid,
    /// The session in which it was begun: what ends that ends this as well.
    session: Option<Uuid>,
    state: RegistrationState,
}

impl Accounts {
    /// Options for a new passkey of the caller, who shows once more who they are: it is a way in that stays.
    pub(super) async fn begin_passkey(&self, cx: &Context, proofs: [Option<String>; 2]) -> Result<Value> {
        let own = self.own_account(cx).await?;
        self.prove_by_all(cx, &own, proofs.each_ref().map(Option::as_deref)).await?;
        let party = self.party()?;
        let present = self.passkeys_of(own.id).await?;
        if present.len() >= MAX_PASSKEYS {
            return Err(too_many());
        }
        let present: Vec<StoredPasskey> = present.into_iter().map(|(_, kept)| kept.passkey).collect();
        let mut options = RegistrationOptions::default();
        options.timeout = patience();
        // It stands for name and password, and whoever uses it proves to the device that they are its owner.
        options.resident_key = ResidentKeyRequirement::Required;
        options.user_verification = UserVerificationRequirement::Required;
        options.exclude_credentials = Some(&present);
        let (username, shown) = (username_of(&own), display_name(&own));
        let (challenge, state) = party
            .start_passkey_registration(own.id.as_bytes(), username, shown.unwrap_or(username), options)
            .map_err(|error| Error::internal("a passkey can not be begun").with_source(error))?;
        let begun = Begun { account: own.id, session: cx.caller().session, state };
        self.keep(REGISTRATION, &challenge.challenge, Some(own.org), &begun, LIFE).await?;
        Ok(json!({"publicKey": document(&challenge)?, "expires": cx.now().plus_seconds(LIFE)}))
    }

    /// Keeps what the browser has made of them.
    pub(super) async fn confirm_passkey(
        &self,
        cx: &Context,
        credential: Value,
        name: Option<String>,
    ) -> Result<Value> {
        let own = self.own_account(cx).await?;
        self.check_enrolment(cx, &own).await?;
        let name = checked_name(name)?;
        let credential: RegistrationCredential = read(credential)?;
        let asked = ClientData::from_base64(&credential.response.client_data_json)
            .map_err(|error| not_made(&error))?;
        // From here on it can not be used again, whatever comes of it.
        let begun = self.take_up::<Begun>(REGISTRATION, &asked.challenge).await?.map(|begun| begun.value);
        let mine = |begun: &Begun| begun.account == own.id && begun.session == cx.caller().session;
        let begun = begun.filter(mine).ok_or_else(|| {
            Error::conflict("there is nothing to confirm: POST /api/auth/passkeys begins, and serves once and for five minutes")
        })?;
        let passkey = self
            .party()?
            .finish_passkey_registration(&credential, &begun.state)
            .map_err(|error| not_made(&error))?;
        check(&passkey)?;
        let kept = Kept { name, used_at: None, as_superuser: Some(is_superuser(&own)), passkey };
        let record =
            AuthRecord::new(RecordKind::Passkey, key(&kept.passkey.credential_id), kept.write()?, cx.now())
                .of(Some(own.id), Some(own.org));
        if !self.services.credentials.put_record(record.clone(), Expected::Absent, cx.now()).await? {
            return Err(Error::conflict("this passkey is known already"));
        }
        if let Err(error) = self.check_session(cx).await {
            self.take_back(cx, (RecordKind::Passkey, &record.key), (own.id, own.org)).await?;
            return Err(error);
        }
        // Asked again: several may have been begun together.
        if self.passkeys_of(own.id).await?.len() > MAX_PASSKEYS {
            self.services.credentials.remove_record(RecordKind::Passkey, &record.key).await?;
            return Err(too_many());
        }
        let detail = json!({"kind": "passkey", "name": kept.name});
        self.tell(EventKind::FactorAdded, own.org, Some(own.id), &from(cx), detail).await;
        self.notify(&own, Notice::PasskeyOn);
        Ok(kept.shown(&record))
    }
}

fn too_many() -> Error {
    Error::conflict(format!("an account has {MAX_PASSKEYS} passkeys at most"))
}

fn display_name(account: &Item) -> Option<&str> {
    account.attributes.get("display_name").and_then(Value::as_str).filter(|name| !name.is_empty())
}

/// What the library leaves to its callers.
fn check(passkey: &StoredPasskey) -> Result<()> {
    let fits = (1..=MAX_ID).contains(&passkey.credential_id.len()) && passkey.public_key.len() <= MAX_KEY;
    if fits && ALGORITHMS.contains(&passkey.algorithm) {
        return Ok(());
    }
    Err(refused("is of a sort that is not taken here"))
}

fn checked_name(name: Option<String>) -> Result<String> {
    let name = name.map_or_else(|| "passkey".to_owned(), |name| name.trim().to_owned());
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        return Ok(name);
    }
    let detail = format!("expected up to {MAX_NAME} characters");
    Err(Error::invalid(vec![Violation::new("/name", detail)]))
}

/// One answer for all that can be wrong with what was made; what exactly is for the log.
fn not_made(error: &PasskiError) -> Error {
    tracing::info!(%error, "a passkey was refused");
    refused("is not what was asked for: begin again")
}

fn refused(detail: &str) -> Error {
    Error::invalid(vec![Violation::new("/credential", detail)])
}
