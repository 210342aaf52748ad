//! Uniqueness tells who writes a value whether some item has it already. So a field that is not for everybody and is unique, alone
//! or with others, is written by those only who may read it.

use super::problems::Problems;
use super::{FieldInfo, TypeInfo};

/// Refuses what a type itself declares to be unique for readers only, but to be written by others as well.
pub(super) fn check(info: &TypeInfo, problems: &mut Problems) {
    let is_own = |name: &str| info.definition.fields.iter().any(|field| field.name == name);
    for field in info.fields.iter().filter(|info| info.field.unique && is_own(&info.field.name)) {
        check_all(info, &[&**field], problems);
    }
    for rule in info.together.iter().filter(|rule| rule.key.declared_by == info.id()) {
        let fields: Vec<&FieldInfo> =
            rule.fields.iter().filter_map(|(name, _)| info.field(name)).map(|info| &**info).collect();
        check_all(info, &fields, problems);
    }
}

fn check_all(info: &TypeInfo, fields: &[&FieldInfo], problems: &mut Problems) {
    for readers in fields.iter().filter_map(|info| info.field.read.as_deref()) {
        for open in fields.iter().filter(|info| !is_written_within(info, readers)) {
            let detail = format!(
                "is unique, alone or with others, and only {} may read what is: a refused value would tell those who write it that it is taken; let 'write' name no other roles",
                readers.join(", ")
            );
            problems.of_field(info.name(), &open.field.name, detail);
        }
    }
}

/// Whether all who may write a field are among some roles.
fn is_written_within(info: &FieldInfo, readers: &[String]) -> bool {
    let is_reader = |role: &String| readers.iter().any(|reader| reader.to_lowercase() == role.to_lowercase());
    info.field.readonly || info.field.write.as_ref().is_some_and(|roles| roles.iter().all(is_reader))
}
