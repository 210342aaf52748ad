//! `GET /api/{resource}/{id}/data`: the content of an item, or a part of it; `HEAD` for what is known of it.

use actix_web::http::Method;
use realnet_core::resource::{DataRequest, Operation, Reply};

use crate::answer;
use crate::call::Call;
use crate::request::{conditions, query, range};
use crate::router::Outcome;
use crate::who::Anyone;

/// Reads.
pub(crate) async fn read(call: Call, Anyone(caller): Anyone) -> Outcome {
    let mut parameters = call.parameters()?;
    let must_save = query::take_flag(&mut parameters, "download")?;
    query::refuse_rest(&parameters)?;
    let is_head = *call.request.method() == Method::HEAD;
    let (range, part_of) = if is_head { Default::default() } else { range::wanted(call.headers()) };
    let conditions = conditions::of_content(call.headers())?.into_conditions()?;
    let wanted = DataRequest { range, part_of, conditions, is_head };
    match call.read(&caller, Operation::ReadData { id: call.path.id, wanted }).await? {
        Reply::Data(data) => answer::of_data(&call, data, must_save),
        other => answer::of_reply(&call, other),
    }
}
