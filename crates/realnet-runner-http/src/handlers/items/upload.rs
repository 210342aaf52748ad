//! `POST /api/{resource}` with files instead of JSON: a form of several parts, or one file as the body.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING,
};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::acl::Caller;
use realnet_core::provider::Expectation;
use realnet_core::registry::TypeInfo;
use realnet_core::resource::{FilePart, Files, Operation, Part};
use realnet_core::{Error, ErrorKind};

use crate::call::Call;
use crate::notices::{Written, base_of};
use crate::problem::Problem;
use crate::request::disposition::Disposition;
use crate::request::idempotency::IDEMPOTENCY_KEY;
use crate::request::multipart::{self, MAX_TEXTS, Texts};
use crate::request::{media, upload};
use crate::router::Outcome;

/// The type whose items have contents, and all derived from it.
const FILE: &str = "File";

/// Whether the body is a file, or several: whatever is no JSON, and what says that it is a file. Parameters say it as well, where
/// there are files and the body has no type: a JSON body has none of either.
pub(super) fn is_meant(call: &Call, caller: &Caller) -> bool {
    let headers = call.headers();
    let is_said = if has_type(headers) {
        !media::is_json(headers)
    } else {
        !call.request.query_string().is_empty() && is_of_files(call, caller)
    };
    headers.contains_key(CONTENT_DISPOSITION) || is_said
}

fn has_type(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| !value.is_empty())
}

/// Whether the endpoint's items have contents.
fn is_of_files(call: &Call, caller: &Caller) -> bool {
    let registry = call.registry();
    let base = base_of(&registry, caller, &call.path.name);
    base.zip(registry.system(FILE)).is_some_and(|(base, file)| registry.is_derived_from(base.id(), file.id()))
}

/// Refuses a body that may have been meant as a file, with what makes it one.
pub(super) fn refuse_unclear(call: &Call, caller: &Caller) -> Result<(), Problem> {
    if !is_of_files(call, caller) {
        return Ok(());
    }
    let is_empty = !call.headers().contains_key(TRANSFER_ENCODING)
        && call.headers().get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    if !has_type(call.headers()) && !is_empty {
        let detail = "the body has no Content-Type: application/json makes an item, and for a file give its own type or ?name=…";
        return Err(Error::new(ErrorKind::UnsupportedMediaType, detail).into());
    }
    if let Some((name, _)) = call.parameters()?.parameters.into_iter().next() {
        let detail = "not a parameter here: a JSON body is an item, which says this itself; to store the body as a file, add \
                      Content-Disposition: attachment";
        return Err(Error::malformed_at(name, detail).into());
    }
    Ok(())
}

/// Uploads.
pub(super) async fn upload(call: Call, caller: Arc<Caller>) -> Outcome {
    call.refuse_conditions()?;
    if call.headers().contains_key(IDEMPOTENCY_KEY) {
        let detail = "is not understood with files: a resumable upload is made once";
        return Err(Error::malformed_at(IDEMPOTENCY_KEY.as_str(), detail).into());
    }
    let parameters = call.parameters()?.parameters;
    let written = Arc::new(Mutex::new(Written::default()));
    let note = {
        let (registry, written) = (call.registry(), Arc::clone(&written));
        let base = base_of(&registry, &caller, &call.path.name).map(TypeInfo::id);
        move |name: &str, value: &str| {
            let base = base.and_then(|id| registry.by_id(id));
            written.lock().unwrap_or_else(PoisonError::into_inner).add_text(base, name, value);
        }
    };
    for (name, value) in &parameters {
        note(name, value);
    }
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
        let parts = multipart::parts(data, &multipart::boundary(&content_type)?, texts);
        let noted = move |part: &Part| {
            if let Part::Text { name, value } = part {
                note(name, value);
            }
        };
        parts.inspect_ok(noted).boxed()
    } else {
        // Programs that send bytes without a thought name this one.
        let is_said = !content_type.starts_with("application/x-www-form-urlencoded");
        let content_type = Some(content_type).filter(|text| is_said && !text.is_empty());
        let file =
            FilePart { name: named, content_type, expected: Expectation { limit: None, ..expected }, data };
        stream::iter([Ok(Part::File(file))]).boxed()
    };
    let reply =
        call.write_streamed(&caller, Operation::Upload(Files { parts, parameters }), incoming).await?;
    let written = std::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    call.answer_written(&caller, &written, reply)
}
