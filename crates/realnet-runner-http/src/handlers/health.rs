//! `/healthz` and `/readyz`: for whoever runs the server.

use std::time::Duration;

use actix_web::http::StatusCode;
use realnet_core::{Error, ErrorKind};
use serde_json::json;

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Alive: the process answers.
pub(crate) async fn alive(_call: Call) -> Outcome {
    answer::document(StatusCode::OK, &json!({"status": "alive"})).map(answer::uncacheable)
}

/// Ready: types are loaded and the store answers in time. Whether contents can be had is told beside that.
pub(crate) async fn ready(call: Call) -> Outcome {
    let unready = |detail: &str| Error::unavailable(detail);
    if call.registry().root().is_none() {
        return Err(unready("the types are not loaded yet").into());
    }
    let store = &call.state.dispatcher.services().items;
    match tokio::time::timeout(PATIENCE, store.check()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            return Err(Error::new(ErrorKind::Unavailable, "the store does not answer")
                .with_source(error)
                .with_retry_after(Duration::from_secs(1))
                .into());
        }
        Err(_) => return Err(unready("the store does not answer in time").into()),
    }
    let mut document = json!({"status": "ready"});
    // Without contents, all else can be served.
    if let Some(storage) = &call.state.dispatcher.services().data {
        let checked = tokio::time::timeout(PATIENCE, storage.check()).await;
        let is_well = matches!(checked, Ok(Ok(())));
        if let Ok(Err(error)) = checked {
            tracing::warn!(error = %error.report(), "the storage of contents does not answer");
        }
        document["storage"] = if is_well { "ok" } else { "unavailable" }.into();
    }
    answer::document(StatusCode::OK, &document).map(answer::uncacheable)
}
