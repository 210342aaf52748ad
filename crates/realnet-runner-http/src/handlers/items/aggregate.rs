//! `GET /api/{resource}/aggregate`: figures of the items that match, by group.

use realnet_core::resource::{ListRequest, Operation};

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;

/// Counts, sums up and compares.
pub(crate) async fn aggregate(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let parameters = call.parameters()?;
    let notices = call.notices(&caller, &names_of(&parameters));
    let reply = call.read(&caller, Operation::Aggregate(parameters)).await?;
    let mut response = answer::of_reply(&call, reply)?;
    notices.mark(&mut response);
    Ok(response)
}

/// The parameters as a list would have them: the names in figures and groups stand where fields have to.
fn names_of(parameters: &ListRequest) -> ListRequest {
    let name = |(name, value): &(String, String)| match name.as_str() {
        "group" => ("order".to_owned(), value.clone()),
        "select" => {
            let behind = value.split('(').skip(1);
            let inside =
                behind.filter_map(|part| part.split(')').next()).filter(|name| !name.trim().is_empty());
            ("order".to_owned(), inside.collect::<Vec<_>>().join(","))
        }
        _ => (name.clone(), value.clone()),
    };
    ListRequest { parameters: parameters.parameters.iter().map(name).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_figures_and_groups_are_found() {
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let parameters =
            vec![given("select", "count(),sum(a.b), max( c )"), given("group", "d,e"), given("f", "gt.1")];
        let names = names_of(&ListRequest { parameters }).parameters;
        assert_eq!(names, [given("order", "a.b, c "), given("order", "d,e"), given("f", "gt.1")]);
    }
}
