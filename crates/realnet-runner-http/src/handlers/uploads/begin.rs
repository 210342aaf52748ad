//! `POST /api/uploads`: begins an upload, perhaps with its first bytes.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_core::Error;
use realnet_core::resource::{Operation, Reply, ResumableOperation};

use super::{UPLOAD_LENGTH, UPLOAD_METADATA, answer, check_version, has_bytes, number};
use crate::call::Call;
use crate::notices::{Written, base_of};
use crate::problem::Problem;
use crate::request::{query, upload};
use crate::router::Outcome;
use crate::who::Member;

/// Where the item will be when nothing is said.
const ENDPOINT: &str = "files";
/// What says something of the upload, and is no attribute.
const OF_PROTOCOL: [&str; 3] = ["filename", "filetype", "checksum"];

/// Begins.
pub(crate) async fn begin(call: Call, Member(caller): Member) -> Outcome {
    check_version(&call)?;
    query::refuse_rest(&call.parameters()?)?;
    let length = number(&call, &UPLOAD_LENGTH)?;
    let length = length
        .ok_or_else(|| Error::malformed_at(UPLOAD_LENGTH.as_str(), "the length of the file is needed"))?;
    let mut said = metadata(&call)?;
    let endpoint = said.iter().position(|(name, _)| name == "resource").map(|at| said.remove(at).1);
    let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_owned());
    let registry = call.registry();
    let base = base_of(&registry, &caller, &endpoint);
    let told: Vec<(String, String)> =
        said.iter().filter(|(name, _)| !OF_PROTOCOL.contains(&&**name)).cloned().collect();
    let written = Written::of_texts(base, &told);
    let operation = |data| Operation::Resumable(ResumableOperation::Begin { endpoint, length, said, data });
    let reply = if has_bytes(&call) {
        upload::refuse_digest(call.headers())?;
        let (data, incoming) = upload::body(&call)?;
        call.write_streamed(&caller, operation(Some(data)), incoming).await?
    } else {
        call.write(&caller, operation(None)).await?
    };
    let notices = written.notices(&registry, &caller, base, &reply);
    let Reply::Upload(Some(state)) = reply else {
        return Err(Problem::internal("an upload did not begin"));
    };
    let mut response = answer(StatusCode::CREATED, &state);
    if let Ok(value) = HeaderValue::from_str(&format!("/api/uploads/{}", state.id)) {
        response.headers_mut().insert(LOCATION, value);
    }
    notices.mark(&mut response);
    Ok(response)
}

/// Names and values: `filename d29ybGQ=,private`.
fn metadata(call: &Call) -> Result<Vec<(String, String)>, Problem> {
    let malformed = || {
        Error::malformed_at(UPLOAD_METADATA.as_str(), "expected names with values in base64: name dmFsdWU=")
    };
    let Some(value) = call.headers().get(UPLOAD_METADATA) else { return Ok(Vec::new()) };
    let text = value.to_str().map_err(|_| malformed())?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = STANDARD.decode(value.trim()).map_err(|_| malformed())?;
        let value = String::from_utf8(bytes).map_err(|_| malformed())?;
        if value.contains('\0') {
            return Err(Error::malformed_at(name, "holds a NUL character").into());
        }
        if name.is_empty() || pairs.iter().any(|(known, _)| known == name) {
            return Err(malformed().into());
        }
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}
