//! The client: one method per call of the API. Those of signing in stand in `sign_in`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use crate::answer::{PATIENCE, json_of};
use crate::error::{Error, Result};
use crate::list::{ListPage, ListQuery, next_of, notices, total};
use crate::renewal::Renewal;

/// A connection to one server, with the token of one account.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub(crate) address: Url,
    pub(crate) token: Option<String>,
    /// Where the next tokens come from.
    pub(crate) renewal: Option<Arc<Renewal>>,
    listener: Option<Listener>,
    /// How long what comes of an answer is waited for.
    pub(crate) patience: Duration,
    /// How long a call waits when it is told to.
    pub(crate) waits: Duration,
    /// Whether calls wait for a server that has gone away.
    pub(crate) waits_for_server: bool,
    /// Whether it has answered so far.
    pub(crate) has_answered: Arc<AtomicBool>,
}

/// Who is told of what the server finds odd.
type Listener = Arc<dyn Fn(&str) + Send + Sync>;

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, signed in: {})", self.address, self.token.is_some())
    }
}

impl Client {
    /// A client of the server at `address`, such as `http://localhost:8080`; not signed in. Does not connect yet.
    pub fn new(address: &str) -> Result<Self> {
        let bad = || Error::BadAddress(address.to_owned());
        let mut url = Url::parse(address).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(bad());
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        // Another part of the program may have chosen a provider already; then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            // The API sends nobody elsewhere. Whoever makes a path of its host do so would be given tokens and passwords.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("realnet-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| Error::Unreachable {
                address: address.to_owned(),
                source,
                has_answered: false,
            })?;
        Ok(Self {
            http,
            address: url,
            token: None,
            renewal: None,
            listener: None,
            patience: PATIENCE,
            waits: Duration::ZERO,
            waits_for_server: false,
            has_answered: Arc::default(),
        })
    }

    /// Has somebody told of what the server finds odd about what is written, in sentences: a key that looks mistyped, for example.
    /// Lists have that in their pages ([`ListPage::notices`]).
    pub fn on_notice(&mut self, listener: impl Fn(&str) + Send + Sync + 'static) {
        self.listener = Some(Arc::new(listener));
    }

    /// Has calls that come too often (429) made again when the server says that they may be, unless that takes a call longer than
    /// this. Those whose body is a stream are not made again.
    pub fn wait_when_told(&mut self, longest: Duration) {
        self.waits = longest;
    }

    /// Has calls made again that find a server away which has answered before: one that is started anew is there again in seconds.
    /// What would be done twice is not, unless it has never reached the server.
    pub fn wait_when_away(&mut self) {
        self.waits_for_server = true;
    }

    /// Uses a token obtained before.
    pub fn set_token(&mut self, token: impl Into<String>) {
        (self.token, self.renewal) = (Some(token.into()), None);
    }

    /// Whether calls carry a token.
    pub fn is_signed_in(&self) -> bool {
        self.token.is_some()
    }

    /// About the server: version, store, counts.
    pub async fn info(&self) -> Result<Value> {
        self.call(Method::GET, "info", None).await
    }

    /// A page of the audit, `{"entries": […], "next": cursor or null}`, for administrators.
    pub async fn audit(&self, parameters: &[(&str, &str)]) -> Result<Value> {
        self.document(self.request(Method::GET, &["audit"])?.query(parameters)).await
    }

    /// What an account may do with an item and why, or who may; parameters are `item`, `account`, `who`, `cursor`.
    pub async fn explain(&self, parameters: &[(&str, &str)]) -> Result<Value> {
        self.document(self.request(Method::GET, &["explain"])?.query(parameters)).await
    }

    /// A page of a resource.
    pub async fn list(&self, resource: &str, query: &ListQuery) -> Result<ListPage> {
        let request = self.request(Method::GET, &[resource])?.query(&query.parameters);
        self.page(request, "cursor").await
    }

    /// Figures of the items that match, one object for each group. The parameters are filters, and `select` (such as
    /// `count(),sum(amount)`) and `group` (such as `status`).
    pub async fn aggregate(&self, resource: &str, query: &ListQuery) -> Result<ListPage> {
        let request = self.request(Method::GET, &[resource, "aggregate"])?.query(&query.parameters);
        self.page(request, "cursor").await
    }

    /// A page of the earlier states of an item, newest first: [`ListPage::next`] is the `before` of the next page.
    pub async fn history(&self, resource: &str, id: &str, query: &ListQuery) -> Result<ListPage> {
        let request = self.request(Method::GET, &[resource, id, "history"])?.query(&query.parameters);
        self.page(request, "before").await
    }

    /// A list, and where it goes on: the parameter `cursor` of the link to the next page.
    async fn page(&self, request: RequestBuilder, cursor: &str) -> Result<ListPage> {
        let response = self.send(request).await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let next = header("link").and_then(|link| next_of(link, cursor));
        let total = header("content-range").and_then(total);
        let notices = notices_of(&response);
        let items = json_of(response, self.patience).await?;
        let Value::Array(items) = items else { return Err(Error::BadAnswer("expected a list".to_owned())) };
        Ok(ListPage { items, next, total, notices })
    }

    /// One item.
    pub async fn get(&self, resource: &str, id: &str) -> Result<Value> {
        self.document(self.request(Method::GET, &[resource, id])?).await
    }

    /// Creates an item from an object, or several atomically from an array.
    pub async fn create(&self, resource: &str, body: &Value) -> Result<Value> {
        self.document(self.request(Method::POST, &[resource])?.json(body)).await
    }

    /// The same under a key of 1 to 255 visible ASCII characters: sent again with the same body within a day, it answers what it has
    /// created then.
    pub async fn create_once(&self, resource: &str, body: &Value, key: &str) -> Result<Value> {
        self.document(self.request(Method::POST, &[resource])?.header("idempotency-key", key).json(body))
            .await
    }

    /// Replaces name and attributes of an item; `version` is the one that it must have.
    pub async fn replace(
        &self,
        resource: &str,
        id: &str,
        body: &Value,
        version: Option<i64>,
    ) -> Result<Value> {
        self.document(with_version(self.request(Method::PUT, &[resource, id])?.json(body), version)).await
    }

    /// Changes an item by a merge patch (RFC 7396).
    pub async fn patch(
        &self,
        resource: &str,
        id: &str,
        patch: &Value,
        version: Option<i64>,
    ) -> Result<Value> {
        let request = self
            .request(Method::PATCH, &[resource, id])?
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string());
        self.document(with_version(request, version)).await
    }

    /// Changes an item by the operations of a JSON Patch (RFC 6902).
    pub async fn patch_by_steps(&self, resource: &str, id: &str, operations: &Value) -> Result<Value> {
        let request = self
            .request(Method::PATCH, &[resource, id])?
            .header("content-type", "application/json-patch+json")
            .body(operations.to_string());
        self.document(request).await
    }

    /// Deletes an item with its descendants.
    pub async fn delete(&self, resource: &str, id: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, &[resource, id])?).await.map(drop)
    }

    /// Changes all items that match a filter by a merge patch; how many.
    pub async fn patch_many(&self, resource: &str, query: &ListQuery, patch: &Value) -> Result<u64> {
        let request = self
            .request(Method::PATCH, &[resource])?
            .query(&query.parameters)
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string());
        self.document(request).await.and_then(|answer| affected(&answer))
    }

    /// Deletes all items that match a filter, with their descendants; how many matched.
    pub async fn delete_many(&self, resource: &str, query: &ListQuery) -> Result<u64> {
        let request = self.request(Method::DELETE, &[resource])?.query(&query.parameters);
        self.document(request).await.and_then(|answer| affected(&answer))
    }

    /// The grants on an item; of the resource `types`, those on the type of that name.
    pub async fn grants(&self, resource: &str, id: &str) -> Result<Value> {
        self.document(self.request(Method::GET, &[resource, id, "acl"])?).await
    }

    /// Replaces the grants on an item or type; `version` is the one that the item must have.
    pub async fn set_grants(
        &self,
        resource: &str,
        id: &str,
        grants: &Value,
        version: Option<i64>,
    ) -> Result<Value> {
        let request = self.request(Method::PUT, &[resource, id, "acl"])?.json(grants);
        self.document(with_version(request, version)).await
    }

    /// Forgets the grants that the org has set on a type: the declared ones hold again.
    pub async fn reset_grants(&self, name: &str) -> Result<Value> {
        self.document(self.request(Method::DELETE, &["types", name, "acl"])?).await
    }

    /// Several operations in order, all or none.
    pub async fn batch(&self, operations: &Value) -> Result<Value> {
        self.document(self.request(Method::POST, &["batch"])?.json(&json!({"operations": operations}))).await
    }

    /// What an initialization document would do. `options` are query parameters such as `("prune", "true")`.
    pub async fn plan(&self, document: &Value, options: &[(&str, &str)]) -> Result<Value> {
        self.document(self.request(Method::POST, &["plan"])?.query(options).json(document)).await
    }

    /// Applies an initialization document atomically.
    pub async fn apply(&self, document: &Value, options: &[(&str, &str)]) -> Result<Value> {
        self.document(self.request(Method::POST, &["apply"])?.query(options).json(document)).await
    }

    /// Where the store differs from what was applied.
    pub async fn drift(&self) -> Result<Value> {
        self.call(Method::GET, "drift", None).await
    }

    /// A type with its effective fields.
    pub async fn type_definition(&self, name: &str) -> Result<Value> {
        self.document(self.request(Method::GET, &["types", name])?).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let mut request = self.request(method, &parts)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        self.document(request).await
    }

    /// A request to `/api/…`; every part is one segment of the path, whatever it holds.
    pub(crate) fn request(&self, method: Method, parts: &[&str]) -> Result<RequestBuilder> {
        let mut url = self.address.clone();
        url.path_segments_mut()
            .map_err(|()| Error::BadAddress(self.address.to_string()))?
            .pop_if_empty()
            .push("api")
            .extend(parts);
        Ok(self.http.request(method, url))
    }

    pub(crate) async fn document(&self, request: RequestBuilder) -> Result<Value> {
        let response = self.send(request).await?;
        if let Some(listener) = &self.listener {
            for notice in notices_of(&response) {
                listener(&notice);
            }
        }
        json_of(response, self.patience).await
    }
}

fn with_version(request: RequestBuilder, version: Option<i64>) -> RequestBuilder {
    match version {
        Some(version) => request.header("if-match", format!("\"{version}\"")),
        None => request,
    }
}

/// What the server finds odd about a request.
fn notices_of(response: &Response) -> Vec<String> {
    let header = response.headers().get("realnet-notice").and_then(|value| value.to_str().ok());
    header.map(notices).unwrap_or_default()
}

fn affected(answer: &Value) -> Result<u64> {
    let count = answer.get("affected").and_then(Value::as_u64);
    count.ok_or_else(|| Error::BadAnswer("expected a number of items".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_an_address() {
        for bad in ["", "localhost:8080", "ftp://host", "http://"] {
            assert!(matches!(Client::new(bad), Err(Error::BadAddress(_))), "{bad}");
        }
    }

    #[test]
    fn a_hostile_id_stays_one_segment() {
        let client = Client::new("http://host/base").unwrap();
        let request = client.request(Method::GET, &["note", "../x?y#z"]).unwrap().build().unwrap();
        assert_eq!(request.url().as_str(), "http://host/base/api/note/..%2Fx%3Fy%23z");
    }

    #[tokio::test]
    async fn an_absent_server_is_named() {
        let client = Client::new("http://127.0.0.1:1").unwrap();
        let error = client.info().await.unwrap_err();
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}
