//! `GET /api/info`: about the server and what the caller sees of it.

use std::time::Duration;

use actix_web::http::StatusCode;
use realnet_core::resource::{ListRequest, Operation, Reply};
use serde_json::json;

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Version, store, health, and how many types and items the caller sees (items only when signed in).
pub(crate) async fn show(call: Call, Anyone(caller): Anyone) -> Outcome {
    let registry = call.registry();
    let services = call.state.dispatcher.services();
    let health = match tokio::time::timeout(PATIENCE, services.items.check()).await {
        Ok(Ok(())) => "ok",
        _ => "unavailable",
    };
    let mut document = json!({
        "name": "realnet",
        "version": env!("CARGO_PKG_VERSION"),
        "store": call.state.config.store,
        "health": health,
        "time": services.clock.now(),
        "org": caller.org,
        "types": registry.types_of(caller.org).count(),
        "types_revision": registry.revision(),
    });
    if caller.role.is_some() && health == "ok" {
        let parameters = [("count", "estimated"), ("limit", "1")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let list = Operation::List(ListRequest { parameters });
        match call.read_at(&caller, "items", list).await {
            Ok(Reply::Page(page)) => document["items"] = json!(page.value.total),
            // A key may be for nothing that can be read.
            Err(problem) if problem.status() != StatusCode::FORBIDDEN => return Err(problem),
            _ => {}
        }
    }
    answer::document(StatusCode::OK, &document)
}
