//! What a key's scope says to whole endpoints, before anything is looked up: the dispatcher asks here. Within an endpoint the
//! rule of access goes on item by item.

use super::{Context, Operation, TypeOperation};
use crate::acl::{Permission, Scope};
use crate::error::{Error, Result};
use crate::registry::TypeInfo;

/// Refuses what lies wholly outside of the scope of the caller's key.
///
/// # Errors
/// Forbidden, in words that name the scope as the reason.
pub(super) fn check_endpoint(
    cx: &Context,
    info: Option<&TypeInfo>,
    permission: Option<Permission>,
) -> Result<()> {
    let Some(scope) = limit(cx)? else { return Ok(()) };
    let Some(info) = info else { return Err(needs_all()) };
    if scope.reaches(cx.registry(), info.id(), permission) {
        return Ok(());
    }
    let what = permission.map_or("reach", Permission::as_str);
    Err(Error::forbidden(format!(
        "outside of the key's scope: it may not {what} items of type {}",
        info.name()
    )))
}

/// The same for what is about types and documents, which is no permission on items.
pub(super) fn check_types(cx: &Context, operation: &Operation) -> Result<()> {
    let Some(scope) = limit(cx)? else { return Ok(()) };
    let is_within = match operation {
        Operation::Type(TypeOperation::List(_)) => scope.is_of_all_types(),
        // To make items of a type one has to know it. A name that means nothing is not found, as for others.
        Operation::Type(TypeOperation::Get { name }) => {
            let found = cx.registry().find(cx.caller().org, name);
            found.is_none_or(|info| scope.reaches(cx.registry(), info.id(), None))
        }
        _ => false,
    };
    if is_within { Ok(()) } else { Err(needs_all()) }
}

/// The same for files that come in several requests: they become items in the end. The resource asks for the type.
pub(super) fn check_uploads(cx: &Context) -> Result<()> {
    let Some(scope) = limit(cx)? else { return Ok(()) };
    let file = cx.registry().system("File");
    if file.is_some_and(|file| scope.reaches(cx.registry(), file.id(), Some(Permission::Create))) {
        return Ok(());
    }
    Err(Error::forbidden("outside of the key's scope: it may not create items of type File"))
}

fn limit(cx: &Context) -> Result<Option<&Scope>> {
    if cx.caller().awaits_factor() {
        return Err(Error::forbidden(
            "your org requires a second factor: turn one on (POST /api/auth/totp), and sign in by it",
        ));
    }
    Ok(cx.caller().scope.as_deref().filter(|scope| !scope.is_whole()))
}

fn needs_all() -> Error {
    Error::forbidden("outside of the key's scope: this takes a key with all permissions on everything (*)")
}

impl Operation {
    /// The permission on items that an operation is about, or begins with.
    pub(super) fn permission(&self) -> Option<Permission> {
        match self {
            Self::List(_)
            | Self::Get { .. }
            | Self::Children { .. }
            | Self::Aggregate(_)
            | Self::History { .. }
            | Self::ReadData { .. }
            | Self::GetGrants { .. } => Some(Permission::Read),
            Self::Create { .. } | Self::Upload(_) => Some(Permission::Create),
            Self::Replace { .. }
            | Self::Patch { .. }
            | Self::PatchMany { .. }
            | Self::WriteData { .. }
            | Self::DeleteData { .. } => Some(Permission::Write),
            Self::Delete { .. } | Self::DeleteMany { .. } => Some(Permission::Delete),
            Self::SetGrants { .. } => Some(Permission::Share),
            Self::Batch { .. }
            | Self::Plan { .. }
            | Self::Drift
            | Self::Type(_)
            | Self::Call(_)
            | Self::Resumable(_) => None,
        }
    }
}
