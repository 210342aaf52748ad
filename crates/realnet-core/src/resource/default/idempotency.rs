//! Idempotency keys: the reply of a write is kept in its commit, and given again when the request comes again.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::plan::Done;
use crate::change::{IdempotencyKey, Outcome, ReplyOf, StoredReply};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::model::value::canonical_value_text;
use crate::resource::{BatchResult, Context};

/// The key of a request, and the hash of its body.
pub(in crate::resource) struct Keyed {
    pub(super) key: IdempotencyKey,
    body_hash: Vec<u8>,
    /// As it was kept before it had a key.
    keyless_hash: Vec<u8>,
}

/// How a write with or without a key begins.
pub(in crate::resource) enum Begin {
    /// It was done before: this was the reply.
    Replay(Kept),
    /// It is to be done.
    Fresh(Option<Keyed>),
}

/// The results of a request as they are kept.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::resource) struct Kept {
    results: Vec<KeptResult>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct KeptResult {
    operation: String,
    item: Option<Item>,
    deleted: Option<usize>,
    #[serde(default)]
    left_out: Option<(Uuid, i64)>,
}

/// Looks whether a request with this key was answered before. Another body under the same key is refused.
pub(in crate::resource) async fn begin(
    cx: &Context,
    idempotency: Option<(IdempotencyKey, Vec<u8>)>,
    body: &Value,
) -> Result<Begin> {
    let Some((key, body_hash)) = idempotency else { return Ok(Begin::Fresh(None)) };
    // Strangers can not be told apart, so one must not be given the reply of another.
    let Some(account) = cx.caller().account else { return Ok(Begin::Fresh(None)) };
    let key = IdempotencyKey { account: Some(account), ..key };
    // A fast hash of a password would undo the slow one that is stored, so such bodies are hashed without it.
    let keyless_hash = if holds_password(body) { hash_without_passwords(body) } else { body_hash };
    // Other secrets can not be tried against the hash without the key of the store.
    let body_hash = cx.services.secrets.digest("idempotency", &keyless_hash);
    let keyed = Keyed { key, body_hash, keyless_hash };
    Ok(match keyed.look_up(cx).await? {
        Some(kept) => Begin::Replay(kept),
        None => Begin::Fresh(Some(keyed)),
    })
}

impl Keyed {
    /// The kept reply, if there is one.
    pub(super) async fn look_up(&self, cx: &Context) -> Result<Option<Kept>> {
        let Some(stored) = cx.services.items.stored_reply(&self.key).await? else { return Ok(None) };
        if ![&self.body_hash, &self.keyless_hash].contains(&&stored.body_hash) {
            let message = "the idempotency key was used before with another body";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        serde_json::from_slice(&stored.reply)
            .map(Some)
            .map_err(|error| Error::internal("a kept reply can not be read").with_source(error))
    }

    /// What makes the reply to keep.
    pub(super) fn reply_of(
        &self,
        now: Timestamp,
        kept: impl Fn(&[Outcome]) -> Kept + Send + Sync + 'static,
    ) -> ReplyOf {
        let body_hash = self.body_hash.clone();
        Arc::new(move |outcomes| StoredReply {
            body_hash: body_hash.clone(),
            reply: serde_json::to_vec(&kept(outcomes)).unwrap_or_default(),
            created_at: now,
        })
    }
}

impl Kept {
    pub(super) fn of(results: &[BatchResult]) -> Self {
        let keep = |result: &BatchResult| KeptResult {
            operation: result.operation.to_owned(),
            item: result.item.clone(),
            deleted: result.deleted,
            left_out: result.left_out,
        };
        Self { results: results.iter().map(keep).collect() }
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.results.into_iter().filter_map(|result| result.item).collect()
    }

    pub(in crate::resource) fn into_done(self) -> Done {
        let name = |text: &str| match text {
            "create" => "create",
            "replace" => "replace",
            "delete" => "delete",
            _ => "patch",
        };
        let result = |kept: KeptResult| BatchResult {
            operation: name(&kept.operation),
            item: kept.item,
            deleted: kept.deleted,
            left_out: kept.left_out,
        };
        Done { results: self.results.into_iter().map(result).collect(), replayed: true }
    }
}

/// What changes a password, and proves the right to.
const PASSWORDS: [&str; 2] = ["password", "current_password"];

fn holds_password(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.iter().any(|(key, value)| PASSWORDS.contains(&key.as_str()) || holds_password(value))
        }
        Value::Array(values) => values.iter().any(holds_password),
        _ => false,
    }
}

fn hash_without_passwords(body: &Value) -> Vec<u8> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !PASSWORDS.contains(&key.as_str()));
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut body = body.clone();
    strip(&mut body);
    Sha256::digest(canonical_value_text(&body)).to_vec()
}
