//! The store of YAML documents passes the suites that every store passes.

mod backend;

use backend::Documents;

realnet_testkit::conformance!(Documents(|folder| realnet_provider_yaml::open(folder)));
realnet_testkit::transfer_conformance!(Documents(|folder| realnet_provider_yaml::open(folder)));
