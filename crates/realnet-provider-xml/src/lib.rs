#![doc = include_str!("../README.md")]

mod read;
mod write;

use std::path::Path;

use realnet_core::Result;
use realnet_provider_generic::{Codec, DocumentStore, Fault};
use serde_json::Value;

/// The schema of the documents, as `document.xsd` in this crate.
pub const SCHEMA: &str = include_str!("../document.xsd");

/// The namespace of the documents.
pub const NAMESPACE: &str = "urn:realnet:document";

/// What says that text or a name is the base64 of UTF-8.
const BASE64: &str = "base64";
/// The attribute of a name, and of one in base64.
const KEY: &str = "key";
const BASE64_KEY: &str = "base64-key";

/// XML, indented by two spaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct XmlCodec;

/// Opens a folder of XML documents; see [`DocumentStore::open`].
///
/// # Errors
/// As there.
pub fn open(folder: impl AsRef<Path>) -> Result<DocumentStore> {
    DocumentStore::open(folder, XmlCodec)
}

impl Codec for XmlCodec {
    fn name(&self) -> &'static str {
        "xml"
    }

    fn extension(&self) -> &'static str {
        "xml"
    }

    fn encode(&self, value: &Value) -> Result<String> {
        Ok(write::write(value))
    }

    fn decode(&self, text: &[u8]) -> Result<Value, Fault> {
        read::read(text)
    }
}
