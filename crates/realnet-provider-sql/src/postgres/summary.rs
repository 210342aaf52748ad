//! What is known of the JSON values of a group, reckoned by PostgreSQL with its exact numbers, in the form that the core reads:
//! [`Summary::parse`](realnet_core::query::aggregate::Summary::parse).

use realnet_core::query::aggregate::Wants;

/// The summary of a column of JSON values.
pub(super) fn summary(column: &str, wants: Wants) -> String {
    let text = format!("{column} #>> '{{}}'");
    let kind = format!("json_typeof({column})");
    let is_decimal =
        format!("(length({text}) <= {} AND ({text}) ~ '^-?[0-9]+([.][0-9]+)?$')", Wants::MAX_DECIMAL);
    let plain_number = format!("WHEN 'number' THEN ({text})::numeric");
    let (number, words) = if wants.decimal {
        (
            format!(
                "CASE {kind} {plain_number} WHEN 'string' THEN CASE WHEN {is_decimal} THEN ({text})::numeric END END"
            ),
            format!("CASE WHEN {kind} = 'string' THEN CASE WHEN NOT {is_decimal} THEN {text} END END"),
        )
    } else {
        (format!("CASE {kind} {plain_number} END"), format!("CASE WHEN {kind} = 'string' THEN {text} END"))
    };
    let words = format!("({words}) COLLATE \"C\"");
    let boolean = format!("CASE WHEN {kind} = 'boolean' THEN ({text})::boolean END");
    let sum = if wants.sum { format!("CAST(sum({number}) AS text)") } else { "NULL".to_owned() };
    let end = |of_booleans: &str, function: &str| {
        if wants.ends {
            format!(
                "json_build_array({of_booleans}({boolean}), CAST({function}({number}) AS text), {function}({words}))"
            )
        } else {
            "'[null,null,null]'::json".to_owned()
        }
    };
    let numbers = if wants.sum { format!("count({number})") } else { "0".to_owned() };
    format!(
        "CAST(json_build_object('absent', count(*) - count({column}), 'values', count(*) FILTER (WHERE {kind} <> 'null'), \
         'numbers', {numbers}, 'sum', {sum}, 'low', {}, 'high', {}) AS text)",
        end("bool_and", "min"),
        end("bool_or", "max"),
    )
}
