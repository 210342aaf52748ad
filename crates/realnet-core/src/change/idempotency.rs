//! Idempotency: a reply kept in the commit, so that a repeated request does nothing and gets the same answer.

use uuid::Uuid;

use crate::clock::Timestamp;

/// What a request repeats: the caller's own key on one method and path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The account; `None` when not signed in.
    pub account: Option<Uuid>,
    /// Method and path, such as `POST /api/customer`.
    pub scope: String,
    /// The key that the caller chose, at most 255 bytes.
    pub key: String,
    /// Keys made before this moment count no more.
    pub not_before: Timestamp,
}

/// A kept reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// Digest of the request's body: another body under the same key is refused.
    pub body_hash: Vec<u8>,
    /// What the operation answered, in a form that the caller of the store understands.
    pub reply: Vec<u8>,
    /// When it was kept.
    pub created_at: Timestamp,
}
