//! `PUT /api/{resource}/{id}/data`: replaces the content of an item by the body, as it comes.

use realnet_core::resource::{Operation, Upload, WriteOptions};

use crate::answer;
use crate::call::Call;
use crate::request::{conditions, query, upload};
use crate::router::Outcome;
use crate::who::Anyone;

/// Writes.
pub(crate) async fn write(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let conditions = conditions::of_content(call.headers())?;
    let expected = upload::expected(call.headers())?;
    let content_type = upload::said_type(call.headers())?;
    let (data, incoming) = upload::body(&call)?;
    let options = WriteOptions { expected_version: conditions.version, idempotency: None };
    let upload = Upload { data, content_type, expected, conditions: conditions.content };
    let operation = Operation::WriteData { id: call.path.id, upload, options };
    let reply = call.write_streamed(&caller, operation, incoming).await?;
    answer::of_reply(&call, reply)
}
