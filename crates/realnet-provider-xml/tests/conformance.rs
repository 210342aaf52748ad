//! The store of XML documents passes the suites that every store passes.

mod backend;

use backend::Documents;

realnet_testkit::conformance!(Documents(|folder| realnet_provider_xml::open(folder)));
realnet_testkit::transfer_conformance!(Documents(|folder| realnet_provider_xml::open(folder)));
