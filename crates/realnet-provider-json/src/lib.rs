#![doc = include_str!("../README.md")]

use std::error::Error as _;
use std::path::Path;

use realnet_core::model::value;
use realnet_core::{Error, Result};
use realnet_provider_generic::{Codec, DocumentStore, Fault, Ordered};
use serde_json::Value;

/// JSON, indented by two spaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonCodec;

/// Opens a folder of JSON documents; see [`DocumentStore::open`].
///
/// # Errors
/// As there.
pub fn open(folder: impl AsRef<Path>) -> Result<DocumentStore> {
    DocumentStore::open(folder, JsonCodec)
}

impl Codec for JsonCodec {
    fn name(&self) -> &'static str {
        "json"
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    fn encode(&self, value: &Value) -> Result<String> {
        let text = serde_json::to_string_pretty(&Ordered(value));
        let mut text = text.map_err(|error| Error::internal("a value has no JSON").with_source(error))?;
        text.push('\n');
        Ok(text)
    }

    fn decode(&self, text: &[u8]) -> Result<Value, Fault> {
        value::parse_stored(text).map_err(|error| {
            let place = error.source().and_then(|source| source.downcast_ref::<serde_json::Error>());
            let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
            // The place stands at the end of the message, too.
            let message = error.message().split(" at line ").next().unwrap_or_default();
            let message = message.trim_start_matches("the JSON can not be read: ");
            Fault::new(line, column, message)
        })
    }
}
