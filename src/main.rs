//! The one binary: reads the configuration, boots, serves, drains.

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    tidemark::server::boot::main()
}

// cargo builds this file for the browser's features too when it is asked for all targets.
#[cfg(not(feature = "ssr"))]
fn main() {}
