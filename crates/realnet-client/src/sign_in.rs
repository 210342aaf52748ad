//! Signing in and out, providers of identities and second factors: the part of the client that has to do with its own account.

use std::fmt;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::client::Client;
use crate::error::{Error, Result};

/// What signing in gives.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Login {
    /// The access token.
    pub token: String,
    /// When it expires, RFC 3339.
    pub expires: String,
    /// Gives a new access token, once.
    pub refresh_token: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login(expires {})", self.expires)
    }
}

impl Client {
    /// Signs in and uses the token from now on. `org` may be absent: the server's default org.
    pub async fn authenticate(&mut self, username: &str, password: &str, org: Option<&str>) -> Result<Login> {
        let mut body = json!({"username": username, "password": password});
        if let Some(org) = org {
            body["org"] = Value::from(org);
        }
        let answer = self.call(Method::POST, "auth", Some(&body)).await?;
        self.use_login(answer)
    }

    /// Answers the challenge of a second factor, which [`Self::authenticate`] was refused with
    /// ([`crate::Problem::challenge`]), by a code.
    pub async fn answer_factor(&mut self, challenge: &str, code: &str) -> Result<Login> {
        let body = json!({"challenge": challenge, "code": code});
        let answer = self.call(Method::POST, "auth/factor", Some(&body)).await?;
        self.use_login(answer)
    }

    /// Exchanges a refresh token for a new login and uses it.
    pub async fn refresh(&mut self, refresh_token: &str) -> Result<Login> {
        let answer =
            self.call(Method::POST, "auth/refresh", Some(&json!({"refresh_token": refresh_token}))).await?;
        self.use_login(answer)
    }

    /// By which providers of identities people of an org sign in: `[{"id", "name"}]`. The server's default org when absent.
    pub async fn providers(&self, org: Option<&str>) -> Result<Value> {
        let org: Vec<(&str, &str)> = org.map(|org| ("org", org)).into_iter().collect();
        self.document(self.request(Method::GET, &["auth", "providers"])?.query(&org)).await
    }

    /// The page at which a person begins to sign in at a provider for this program. The browser brings a `code` to
    /// `redirect_uri`, a loopback address where the program listens; `code_challenge` is the SHA-256 of the program's verifier,
    /// as base64url.
    pub fn sign_in_page(&self, provider: &str, redirect_uri: &str, code_challenge: &str) -> Result<Url> {
        let parameters = [("redirect_uri", redirect_uri), ("code_challenge", code_challenge)];
        let request = self.request(Method::GET, &["auth", "oidc", provider, "start"])?.query(&parameters);
        let request = request.build().map_err(|error| Error::BadAddress(error.without_url().to_string()))?;
        Ok(request.url().clone())
    }

    /// Gives that code and the verifier for a login, once, and uses it from now on.
    pub async fn redeem(&mut self, code: &str, verifier: &str) -> Result<Login> {
        let body = json!({"code": code, "verifier": verifier});
        let answer = self.call(Method::POST, "auth/oidc/token", Some(&body)).await?;
        self.use_login(answer)
    }

    fn use_login(&mut self, answer: Value) -> Result<Login> {
        let login: Login =
            serde_json::from_value(answer).map_err(|error| Error::BadAnswer(error.to_string()))?;
        self.set_token(login.token.clone());
        Ok(login)
    }

    /// Ends the session.
    pub async fn sign_out(&mut self) -> Result<()> {
        self.call(Method::DELETE, "auth", None).await?;
        (self.token, self.renewal) = (None, None);
        Ok(())
    }

    /// Who the server takes the caller for.
    pub async fn whoami(&self) -> Result<Value> {
        self.call(Method::GET, "auth", None).await
    }

    /// Whether the account has a second factor, since when, and how many recovery codes are left.
    pub async fn factor(&self) -> Result<Value> {
        self.call(Method::GET, "auth/totp", None).await
    }

    /// A secret for an authenticator, `{"secret", "uri", "expires"}`; [`Self::confirm_factor`] turns it on. The password is required
    /// some time after signing in.
    pub async fn begin_factor(&self, password: Option<&str>) -> Result<Value> {
        let body = password.map_or_else(|| json!({}), |password| json!({"current_password": password}));
        self.call(Method::POST, "auth/totp", Some(&body)).await
    }

    /// Turns the factor on by a first code; answers `{"recovery_codes"}`.
    pub async fn confirm_factor(&self, code: &str) -> Result<Value> {
        self.call(Method::POST, "auth/totp/confirm", Some(&json!({"code": code}))).await
    }

    /// New recovery codes, `{"recovery_codes"}`, in the place of those that are left.
    pub async fn renew_recovery(&self, password: &str, code: &str) -> Result<Value> {
        let body = json!({"current_password": password, "code": code});
        self.call(Method::POST, "auth/totp/recovery", Some(&body)).await
    }

    /// Turns the factor off.
    pub async fn drop_factor(&self, password: &str, code: &str) -> Result<()> {
        let body = json!({"current_password": password, "code": code});
        self.call(Method::DELETE, "auth/totp", Some(&body)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out_of_debug() {
        let login = Login { token: "t0ken".into(), expires: "x".into(), refresh_token: "r3fresh".into() };
        let text = format!("{login:?}");
        assert!(!text.contains("t0ken") && !text.contains("r3fresh"));
    }
}
