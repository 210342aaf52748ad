//! What there is below `/api/auth` besides signing in and out, and `/api/keys`, `/api/audit` and `/api/explain`, by path.

use realnet_core::resource::{Call, Context, ListRequest, Reply, Verb, texts};
use realnet_core::{Error, Result, Uuid};
use serde_json::Value;

use crate::accounts::Accounts;
use crate::keys::may_call;

impl Accounts {
    /// Carries out a call; who may is decided by each.
    pub(crate) async fn carry_out(&self, cx: &Context, call: Call) -> Result<Reply> {
        let Call { path, verb, body, parameters, .. } = call;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        may_call(cx.caller(), verb, &path)?;
        let takes_parameters = match path.as_slice() {
            ["passkeys"] => verb == Verb::Get,
            [one] => ["sessions", "audit", "explain", "keys", "links", "providers", "totp"].contains(one),
            _ => false,
        };
        if !takes_parameters && let Some((name, _)) = parameters.parameters.first() {
            return Err(Error::malformed_at(name.clone(), "not a parameter here"));
        }
        check_repeated(&parameters)?;
        let document = match (verb, path.as_slice()) {
            (Verb::Get, ["audit"]) => self.audit(cx, &parameters).await?,
            (Verb::Get, ["explain"]) => self.explain(cx, &parameters).await?,
            (Verb::Post, ["token"]) => self.client_token(cx, body).await?,
            (Verb::Get, ["keys"]) => self.list_keys(cx, &parameters).await?,
            (Verb::Post, ["keys"]) => self.make_key(cx, body).await?,
            (Verb::Get, ["keys", id]) => self.show_key(cx, key_id(id)?).await?,
            (Verb::Delete, ["keys", id]) => {
                self.end_key(cx, key_id(id)?).await?;
                Value::Null
            }
            (Verb::Get, ["providers"]) => self.list_providers(&parameters).await?,
            (Verb::Get, ["links"]) => self.list_links(cx, &parameters).await?,
            (Verb::Delete, ["links", id]) => {
                self.unlink(cx, id).await?;
                Value::Null
            }
            (Verb::Get, ["sessions"]) => self.list_sessions(cx, &parameters).await?,
            (Verb::Delete, ["sessions"]) => self.end_sessions_of(cx, &parameters).await?,
            (Verb::Delete, ["sessions", id]) => {
                let id = Uuid::parse_str(id).map_err(|_| Error::not_found(format_args!("session {id}")))?;
                self.end_session(cx, id).await?;
                Value::Null
            }
            (verb, ["passkeys", path @ ..]) => self.passkey_call(cx, verb, path, body, &parameters).await?,
            (verb, ["totp", path @ ..]) => self.factor_call(cx, verb, path, body, &parameters).await?,
            (Verb::Post, ["unlock"]) => {
                let [account] = texts(body, ["account"], 1)?;
                self.unlock(cx, &account.unwrap_or_default()).await?;
                Value::Null
            }
            (Verb::Post, ["password-reset"]) => {
                let [email, org] = texts(body, ["email", "org"], 1)?;
                self.ask_reset(cx, email.unwrap_or_default(), org).await?;
                Value::Null
            }
            (Verb::Post, ["password-reset", "confirm"]) => {
                let [token, password] = texts(body, ["token", "password"], 2)?;
                self.reset(cx, &token.unwrap_or_default(), &password.unwrap_or_default()).await?;
                Value::Null
            }
            (Verb::Post, ["verify-email"]) => {
                self.ask_verification(cx).await?;
                Value::Null
            }
            (Verb::Post, ["verify-email", "confirm"]) => {
                let [token] = texts(body, ["token"], 1)?;
                self.verify_address(cx, &token.unwrap_or_default()).await?;
                Value::Null
            }
            _ => return Err(Error::not_found(format_args!("/auth/{}", path.join("/")))),
        };
        Ok(Reply::Document(document))
    }
}

fn key_id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|_| Error::not_found(format_args!("key {text}")))
}

/// What is given twice could be understood either way.
pub(crate) fn check_repeated(request: &ListRequest) -> Result<()> {
    let names: Vec<&String> = request.parameters.iter().map(|(name, _)| name).collect();
    match names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        Some((_, name)) => Err(Error::malformed_at((*name).clone(), "given twice")),
        None => Ok(()),
    }
}
