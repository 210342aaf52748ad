//! Where the store differs from what was applied.

use std::sync::Arc;

use realnet_core::Result;
use realnet_core::load::{Target, drift};
use realnet_core::resource::Context;
use serde_json::{Value, json};

/// All drift of the caller's layer and org, as a document.
pub(crate) async fn document(cx: &Context) -> Result<Value> {
    let target = Target::of(Arc::clone(&cx.access.caller));
    let state = crate::state::of_records(&cx.services, &cx.access, &target).await?;
    let drifts = drift(&state, &target);
    Ok(json!({"drifted": !drifts.is_empty(), "entries": drifts}))
}
