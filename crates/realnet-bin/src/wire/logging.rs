//! Logs: one structured line per event on stderr, for people at a terminal, as JSON elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `debug` shows what the project itself does in detail, libraries stay at their warnings.
pub fn start(debug: bool) {
    let level = if debug { "debug" } else { "info" };
    // What clients do wrong the runner logs itself; the HTTP library would call it an error.
    let libraries = "warn,actix_http=off";
    let filter = [
        "core",
        "bin",
        "runner_http",
        "provider_sql",
        "provider_generic",
        "provider_aws",
        "resource_accounts",
        "resource_types",
    ]
    .iter()
    .fold(EnvFilter::new(libraries), |filter, part| match format!("realnet_{part}={level}").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let filter = match format!("realnet={level}").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (a test) keeps the first.
    let _ = if std::io::stderr().is_terminal() {
        logs.compact().try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
}
