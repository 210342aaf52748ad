//! Keys for programs: bearer tokens that one makes, names, narrows and ends, instead of a password in a script.
//!
//! A key acts as its account, and has at any moment what that has then, narrowed by the key's scope. [`text`] is what a program
//! holds, [`kept`] what the store has of it, [`check`] tells who calls by one, [`manage`] is what people do with theirs.

mod asked;
mod check;
mod kept;
mod manage;
mod text;

pub(crate) use asked::type_of;
pub(crate) use check::{Holder, may_stand_for};
pub(crate) use kept::{Kept, KeptRule};
pub(crate) use manage::may_call;
pub(crate) use text::{KeyText, is_key};
