//! The store of JSON documents passes the suites that every store passes.

mod backend;

use backend::Documents;

realnet_testkit::conformance!(Documents(|folder| realnet_provider_json::open(folder)));
realnet_testkit::transfer_conformance!(Documents(|folder| realnet_provider_json::open(folder)));
