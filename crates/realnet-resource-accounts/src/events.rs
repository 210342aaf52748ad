//! Tells what happens around signing in, for those who look later.

use realnet_core::Uuid;
use realnet_core::acl::Origin;
use realnet_core::provider::{AuthEvent, EventKind};
use serde_json::Value;

use crate::accounts::Accounts;

impl Accounts {
    /// Keeps an event. What has happened is not undone because it can not be told.
    pub(crate) async fn tell(
        &self,
        kind: EventKind,
        org: Uuid,
        account: Option<Uuid>,
        origin: &Origin,
        detail: Value,
    ) {
        let event = AuthEvent {
            id: self.services.ids.next_id(),
            org,
            account,
            kind,
            origin: origin.clone(),
            detail,
            at: self.services.clock.now(),
        };
        if let Err(error) = self.services.credentials.append_event(event).await {
            tracing::error!(error = %error.report(), kind = kind.as_str(), "an event is lost");
        }
    }
}
