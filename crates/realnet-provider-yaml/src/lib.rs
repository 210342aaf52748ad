#![doc = include_str!("../README.md")]

mod depth;
#[cfg(test)]
mod depth_tests;
mod read;
mod write;

use std::path::Path;

use realnet_core::{Error, Result};
use realnet_provider_generic::{Codec, DocumentStore, Fault};
use serde_json::Value;

/// YAML, in block style.
#[derive(Debug, Clone, Copy, Default)]
pub struct YamlCodec;

/// Opens a folder of YAML documents; see [`DocumentStore::open`].
///
/// # Errors
/// As there.
pub fn open(folder: impl AsRef<Path>) -> Result<DocumentStore> {
    DocumentStore::open(folder, YamlCodec)
}

impl Codec for YamlCodec {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn extension(&self) -> &'static str {
        "yaml"
    }

    fn encode(&self, value: &Value) -> Result<String> {
        write::write(value).map_err(|error| Error::internal("a value has no YAML").with_source(error))
    }

    fn decode(&self, text: &[u8]) -> Result<Value, Fault> {
        read::read(text)
    }
}
