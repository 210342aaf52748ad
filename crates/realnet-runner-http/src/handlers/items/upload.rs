//! `POST /api/{resource}` with files instead of JSON: a form of several parts, or one file as the body.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap};
use futures::stream::{self, StreamExt as _};
use realnet_core::Error;
use realnet_core::acl::Caller;
use realnet_core::provider::Expectation;
use realnet_core::resource::{FilePart, Files, Operation, Part};

use crate::answer;
use crate::call::Call;
use crate::request::disposition::Disposition;
use crate::request::idempotency::IDEMPOTENCY_KEY;
use crate::request::multipart::{self, MAX_TEXTS, Texts};
use crate::request::{media, upload};
use crate::router::Outcome;

/// Whether the body is a file, or several: whatever is no JSON, and what says that it is a file.
pub(super) fn is_meant(headers: &HeaderMap) -> bool {
    let has_type = headers.get(CONTENT_TYPE).is_some_and(|value| !value.is_empty());
    headers.contains_key(CONTENT_DISPOSITION) || has_type && !media::is_json(headers)
}

/// Uploads.
pub(super) async fn upload(call: Call, caller: Arc<Caller>) -> Outcome {
    call.refuse_conditions()?;
    if call.headers().contains_key(IDEMPOTENCY_KEY) {
        let detail = "is not understood with files: a resumable upload is made once";
        return Err(Error::malformed_at(IDEMPOTENCY_KEY.as_str(), detail).into());
    }
    let parameters = call.parameters()?.parameters;
    let text = |name| call.headers().get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let content_type = text(&CONTENT_TYPE).unwrap_or_default().to_owned();
    let named = text(&CONTENT_DISPOSITION).and_then(|text| Disposition::parse(text).file_name);
    let expected = upload::expected(call.headers())?;
    let (data, incoming) = upload::body(&call)?;
    let parts = if media::is_form(&content_type) {
        upload::refuse_digest(call.headers())?;
        // What went on without this request has the room as well.
        let room = Arc::new(call.state.bodies.room(call.is_strangers()));
        call.keep(Arc::clone(&room));
        let texts = Texts::new(MAX_TEXTS.min(call.body_limit()), room);
        multipart::parts(data, &multipart::boundary(&content_type)?, texts)
    } else {
        // Programs that send bytes without a thought name this one.
        let is_said = !content_type.starts_with("application/x-www-form-urlencoded");
        let content_type = Some(content_type).filter(|_| is_said);
        let file =
            FilePart { name: named, content_type, expected: Expectation { limit: None, ..expected }, data };
        stream::iter([Ok(Part::File(file))]).boxed()
    };
    let reply =
        call.write_streamed(&caller, Operation::Upload(Files { parts, parameters }), incoming).await?;
    answer::of_reply(&call, reply)
}
