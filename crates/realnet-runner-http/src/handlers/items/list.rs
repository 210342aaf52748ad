//! `GET /api/{resource}`: a page of items.

use realnet_core::resource::{Operation, Reply, Verb};
use realnet_core::{Error, ErrorKind};

use crate::answer;
use crate::call::Call;
use crate::handlers::call as calls;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Lists.
pub(crate) async fn list(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    if call.is_untyped(&caller) {
        let operation = calls::operation(&call, &caller, Verb::Get).await?;
        let reply = call.read(&caller, operation).await?;
        return answer::of_reply(&call, reply);
    }
    let mut parameters = call.parameters()?;
    if query::take_flag(&mut parameters, "watch")? {
        return Err(Error::new(ErrorKind::Unsupported, "this server does not stream changes").into());
    }
    let notices = call.notices(&caller, &parameters);
    match call.read(&caller, Operation::List(parameters)).await? {
        Reply::Page(page) => {
            let mut response = answer::of_page(&call.request, &page);
            notices.mark(&mut response);
            Ok(response)
        }
        other => answer::of_reply(&call, other),
    }
}
