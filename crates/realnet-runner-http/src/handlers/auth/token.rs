//! `POST /api/auth/token`: OAuth 2 (RFC 6749), for programs that have a client's id and secret.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_core::resource::{self, ListRequest, Reply, Verb, WriteOptions};
use realnet_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::{path, query};
use crate::router::Outcome;

/// The only way to ask that is understood: people sign in otherwise.
const GRANT: &str = "client_credentials";

/// What goes wrong as the RFC names it (5.2).
struct Refusal(StatusCode, &'static str, String);

/// Answers a token, or what is wrong, as the RFC has it; nobody may keep either.
pub(crate) async fn token(call: Call) -> Outcome {
    call.refuse_conditions()?;
    let form = match form(&call).await? {
        Ok(form) => form,
        Err(refusal) => return refusal.answer(),
    };
    let nobody = call.state.authenticator.authenticate(None, call.client.address).await?;
    let context = call.context_from_here(&nobody);
    let asked = resource::Call {
        path: vec!["token".to_owned()],
        verb: Verb::Post,
        body: form,
        parameters: ListRequest::default(),
        options: WriteOptions::default(),
    };
    let authenticator = Arc::clone(&call.state.authenticator);
    match call.to_its_end(async move { authenticator.call(&context, asked).await }).await? {
        Ok(Reply::Document(document)) => answer::document(StatusCode::OK, &document).map(answer::uncacheable),
        Ok(_) => Err(Problem::internal("a token is a document")),
        Err(error) => Refusal::of(error)?.answer(),
    }
}

/// The credentials and the scope, as a document.
async fn form(call: &Call) -> Result<Result<Value, Refusal>, Problem> {
    let body = call.body().await?.bytes;
    let media = call.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(Err(Refusal::malformed("expected application/x-www-form-urlencoded")));
    }
    if !call.request.query_string().is_empty() {
        return Ok(Err(Refusal::malformed("the parameters stand in the body")));
    }
    let text = std::str::from_utf8(&body).ok().and_then(|text| query::parse(text).ok());
    let Some(pairs) = text else { return Ok(Err(Refusal::malformed("the form can not be read"))) };
    Ok(credentials(call.headers().get(AUTHORIZATION), pairs))
}

/// One document of the header and the form. What is given twice is refused, and what is not known is passed over.
fn credentials(header: Option<&HeaderValue>, pairs: Vec<(String, String)>) -> Result<Value, Refusal> {
    let mut document = json!({});
    if let Some(header) = header {
        let (id, secret) = basic(header).ok_or_else(Refusal::client)?;
        document = json!({"client_id": id, "client_secret": secret});
    }
    let mut grant = None;
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        let is_again = match name.as_str() {
            "grant_type" => grant.replace(value).is_some(),
            // Beside the header, the id alone may be said once more.
            "client_id" if document.get("client_secret").is_some() && header.is_some() => {
                document["client_id"] != value.as_str()
            }
            "client_id" | "client_secret" | "scope" => {
                let is_again = document.get(&name).is_some();
                document[name] = value.into();
                is_again
            }
            _ => false,
        };
        if is_again {
            return Err(Refusal::malformed("a parameter is given twice"));
        }
    }
    match grant.as_deref() {
        Some(GRANT) => {}
        Some(_) => {
            let words = "only client_credentials is understood".to_owned();
            return Err(Refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", words));
        }
        None => return Err(Refusal::malformed("grant_type is required")),
    }
    if ["client_id", "client_secret"].iter().any(|key| document.get(key).is_none()) {
        return Err(Refusal::client());
    }
    Ok(document)
}

/// Id and secret of `Basic`, each encoded as in a form.
fn basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, coded) = header.to_str().ok()?.trim().split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| path::decode(&text.replace('+', " ")).ok().map(std::borrow::Cow::into_owned);
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    Some((decoded(id)?, decoded(secret)?))
}

impl Refusal {
    fn malformed(words: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, "invalid_request", words.to_owned())
    }

    fn client() -> Self {
        let words = "the client or its secret is not right, or not given".to_owned();
        Self(StatusCode::UNAUTHORIZED, "invalid_client", words)
    }

    /// What the RFC has a name for; the rest is answered as everywhere.
    fn of(error: Error) -> Result<Self, Problem> {
        let at = |pointer: &str| error.violations().iter().any(|violation| violation.pointer == pointer);
        let (status, name) = match error.kind() {
            ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "invalid_client"),
            ErrorKind::Forbidden => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            ErrorKind::InvalidInput if at("/scope") => (StatusCode::BAD_REQUEST, "invalid_scope"),
            ErrorKind::InvalidInput | ErrorKind::Malformed => (StatusCode::BAD_REQUEST, "invalid_request"),
            _ => return Err(error.into()),
        };
        Ok(Self(status, name, error.message().to_owned()))
    }

    fn answer(self) -> Outcome {
        let Self(status, name, words) = self;
        let document = json!({"error": name, "error_description": words});
        let mut response: HttpResponse = answer::document(status, &document).map(answer::uncacheable)?;
        if status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Basic realm=\"realnet\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, how);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&'static str>, form: &str) -> Result<Value, &'static str> {
        let header = header.map(HeaderValue::from_static);
        let pairs = query::parse(form).unwrap();
        credentials(header.as_ref(), pairs).map_err(|Refusal(_, name, _)| name)
    }

    #[test]
    fn credentials_come_by_header_or_form() {
        let both = json!({"client_id": "a:b", "client_secret": "c d"});
        // "a%3Ab:c+d"
        let header = Some("basic YSUzQWI6Yytk");
        assert_eq!(read(header, "grant_type=client_credentials"), Ok(both.clone()));
        assert_eq!(read(header, "grant_type=client_credentials&client_id=a%3Ab"), Ok(both.clone()));
        let form = "grant_type=client_credentials&client_id=a%3Ab&client_secret=c+d&unknown=1&scope=";
        assert_eq!(read(None, form), Ok(both));
    }

    #[test]
    fn what_is_wrong_has_the_names_of_the_rfc() {
        let good = "client_id=a&client_secret=b";
        for (header, form, name) in [
            (None, good, "invalid_request"),
            (None, "grant_type=password&client_id=a&client_secret=b", "unsupported_grant_type"),
            (None, "grant_type=client_credentials&client_id=a", "invalid_client"),
            (
                None,
                "grant_type=client_credentials&client_id=a&client_id=b&client_secret=b",
                "invalid_request",
            ),
            (None, "grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
            (Some("Bearer x"), "grant_type=client_credentials", "invalid_client"),
            (Some("Basic !"), "grant_type=client_credentials", "invalid_client"),
            (Some("Basic YTpi"), "grant_type=client_credentials&client_secret=b", "invalid_request"),
            (Some("Basic YTpi"), "grant_type=client_credentials&client_id=other", "invalid_request"),
        ] {
            assert_eq!(read(header, form), Err(name), "{header:?} {form}");
        }
    }
}
