//! The columns of a row, one after the other, whichever backend it comes from.

use realnet_core::clock::Timestamp;
use realnet_core::{Result, Uuid};

/// Reads the columns of a row in their order.
pub(crate) trait Fields {
    /// An id.
    fn id(&mut self) -> Result<Uuid>;
    /// An id, if there is one.
    fn optional_id(&mut self) -> Result<Option<Uuid>>;
    /// A whole number.
    fn integer(&mut self) -> Result<i64>;
    /// A whole number, if there is one.
    fn optional_integer(&mut self) -> Result<Option<i64>>;
    /// Text.
    fn text(&mut self) -> Result<String>;
    /// Text, if there is any.
    fn optional_text(&mut self) -> Result<Option<String>>;
    /// Bytes.
    fn bytes(&mut self) -> Result<Vec<u8>>;
    /// Bytes, if there are any.
    fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>>;
    /// True or false.
    fn boolean(&mut self) -> Result<bool>;

    /// A moment.
    fn moment(&mut self) -> Result<Timestamp> {
        self.integer().map(Timestamp::from_micros)
    }

    /// A moment, if there is one.
    fn optional_moment(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.optional_integer()?.map(Timestamp::from_micros))
    }
}
