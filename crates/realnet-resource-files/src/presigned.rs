//! Files that go past this server: `POST /api/files` with `"upload": "presigned"` answers a request that the storage has signed, by
//! which the client sends the bytes there, and `POST /api/files/{id}/confirm` makes the item.

use realnet_core::provider::{ContentId, UploadTerms};
use realnet_core::resource::default::check_new_file;
use realnet_core::resource::{Context, Reply, Route};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Map, Value, json};

use crate::kind::BYTES;
use crate::name;
use crate::pending::Pending;
use crate::upload::store;

/// The word of a body that asks for it.
const UPLOAD: &str = "upload";
/// For so many seconds the client may send the bytes.
const VALID: i64 = 3600;

/// Whether a body asks for it.
pub(crate) fn is_meant(body: &Value) -> bool {
    body.get(UPLOAD).and_then(Value::as_str) == Some("presigned")
}

/// Signs a request for the bytes of a file.
pub(crate) async fn begin(cx: &Context, route: &Route<'_>, body: Value) -> Result<Reply> {
    let store = store(cx)?;
    if !store.capabilities().presigned {
        return Err(store.capabilities().refuse("uploads by signed requests"));
    }
    let Value::Object(mut body) = body else { return Err(Error::malformed_at("", "expected an object")) };
    body.remove(UPLOAD);
    if cx.registry().endpoint(cx.caller().org, route.endpoint).is_none() {
        let words = "a signed upload is begun where its item will be, such as at /api/files";
        return Err(Error::malformed(words));
    }
    let size = match body.remove("size") {
        Some(size) => {
            size.as_u64().ok_or_else(|| Error::malformed_at("/size", "expected the length in bytes"))?
        }
        None => return Err(Error::malformed_at("/size", "the length in bytes is needed to sign for it")),
    };
    if size > cx.services.max_content {
        let message = format!("a content has at most {} bytes", cx.services.max_content);
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let content_type = body.remove("content_type").and_then(|value| value.as_str().map(str::to_owned));
    let mut pending = Pending::new(route.endpoint.to_owned(), size);
    pending.name = body.remove("name").and_then(|value| value.as_str().map(str::to_owned));
    pending.content_type.clone_from(&content_type);
    pending.said = texts(body);
    let said = pending.documents()?;
    check_new_file(cx, route, &said.outline(&name::of(said.name.as_deref()), None)).await?;
    let id = cx.services.ids.next_id();
    let terms = UploadTerms {
        content_type: content_type.unwrap_or_else(|| BYTES.to_owned()),
        expected: pending.expected(cx),
        expires_at: cx.now().plus_seconds(VALID),
    };
    pending.begin(cx, id).await?;
    let signed = store.presign_upload(ContentId::new(id), &terms).await?;
    let pairs = |pairs: Vec<(String, String)>| -> Map<String, Value> {
        pairs.into_iter().map(|(name, value)| (name, value.into())).collect()
    };
    Ok(Reply::Document(json!({
        "id": id,
        "method": signed.method,
        "url": signed.url.as_str(),
        "headers": pairs(signed.headers),
        "fields": pairs(signed.fields),
        "expires": signed.expires_at,
    })))
}

/// What else a body says, as a form would.
fn texts(body: Map<String, Value>) -> Vec<(String, String)> {
    let text = |name: &str, value: Value| match value {
        Value::String(text) => text,
        // Words may have commas in them.
        tags @ Value::Array(_) if name == "tags" => tags.to_string(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    body.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let text = text(&name, value);
            (name, text)
        })
        .collect()
}

/// Makes the item of a file that the client has sent.
pub(crate) async fn confirm(cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Reply> {
    let pending = Pending::find(cx, id).await?;
    if pending.item.is_some() {
        return Err(Error::conflict("an item has been made of the upload already"));
    }
    if !pending.endpoint.eq_ignore_ascii_case(route.endpoint) {
        return Err(Error::not_found(format_args!("upload {id}")));
    }
    pending.complete(cx, route, id).await
}
