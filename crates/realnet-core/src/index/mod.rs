//! What a store indexes of an item: sortable keys of declared fields, search tokens, bounds.
//!
//! Every store keeps these bytes, and filters and orders compare them, so all stores agree on what is equal,
//! less and first.

mod decimal;
mod entries;
mod key;
mod taken;
mod words;

pub use entries::{IndexEntries, KeyEntry, entries};
pub use key::{
    MAX_KEY, NULL_KEY, class_range, id_of_key, is_number_key, literal_key, sort_key, value_of_key,
};
pub use taken::value_taken;
pub use words::{MAX_TOKEN, MAX_TOKENS, is_searchable, item_tokens, tokens};

pub(crate) use decimal::Decimal;
pub(crate) use entries::is_sparse;
use key::joined_key;
pub(crate) use key::{natural_key, number_key};
pub(crate) use words::{is_searched, text_tokens, texts_of};
