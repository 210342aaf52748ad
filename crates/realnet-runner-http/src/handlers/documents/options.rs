//! The parameters that `plan` and `apply` share.

use realnet_core::resource::Operation;

use crate::call::Call;
use crate::problem::Problem;
use crate::request::query;

/// Where a document comes from when the request does not say.
const SOURCE: &str = "api";

/// The operation on the document in the body: `?prune&force&adopt&compat&source=NAME`.
pub(super) async fn read(call: &Call, apply: bool) -> Result<Operation, Problem> {
    call.refuse_conditions()?;
    let mut list = call.parameters()?;
    let prune = query::take_flag(&mut list, "prune")?;
    let force = query::take_flag(&mut list, "force")?;
    let adopt = query::take_flag(&mut list, "adopt")?;
    let compat = query::take_flag(&mut list, "compat")?;
    let source = query::take(&mut list, "source")?.filter(|source| !source.is_empty());
    query::refuse_rest(&list)?;
    let document = call.document().await?.value;
    let source = source.unwrap_or_else(|| SOURCE.to_owned());
    Ok(Operation::Plan { document, source, prune, force, adopt, compat, apply })
}
