//! The `realnet` command: one binary, server and command line.
fn main() {}
