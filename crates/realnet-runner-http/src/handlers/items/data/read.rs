//! `GET /api/{resource}/{id}/data`: the content of an item, or a part of it; `HEAD` for what is known of it.

use actix_web::http::Method;
use realnet_core::Error;
use realnet_core::resource::{DataRequest, Operation, Reply};

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::{conditions, query, range};
use crate::router::Outcome;
use crate::who::Anyone;

/// The largest edge of a thumbnail.
const MAX_THUMB: u32 = 2048;

/// The size of a thumbnail: `200x100`.
fn size(text: &str) -> Result<(u32, u32), Problem> {
    let edge = |text: &str| text.parse().ok().filter(|edge| (1..=MAX_THUMB).contains(edge));
    let size = text.split_once('x').and_then(|(width, height)| Some((edge(width)?, edge(height)?)));
    let detail = format!("expected width and height such as 200x100, at most {MAX_THUMB} each");
    Ok(size.ok_or_else(|| Error::malformed_at("thumb", detail))?)
}

/// Reads.
pub(crate) async fn read(call: Call, Anyone(caller): Anyone) -> Outcome {
    let mut parameters = call.parameters()?;
    let must_save = query::take_flag(&mut parameters, "download")?;
    let thumb = query::take(&mut parameters, "thumb")?.map(|text| size(&text)).transpose()?;
    query::refuse_rest(&parameters)?;
    let is_head = *call.request.method() == Method::HEAD;
    let (range, part_of) = if is_head { Default::default() } else { range::wanted(call.headers()) };
    let conditions = conditions::of_content(call.headers())?.into_conditions()?;
    let wanted = DataRequest { range, part_of, conditions, is_head, thumb };
    match call.read(&caller, Operation::ReadData { id: call.path.id, wanted }).await? {
        Reply::Data(data) => answer::of_data(&call, data, must_save),
        other => answer::of_reply(&call, other),
    }
}
