//! The load generator: thousands of streams from one thread, every gap counted, every cost measured.
//! `cargo bench --features ssr --bench load -- --help` lists its options; `scripts/soak` runs it beside its peers.
//! Another protocol is another module beside `sse` that makes frames.
// The tests in these modules run in tests/load_generator.rs: a bench has no test harness of its own.
#![cfg_attr(test, allow(dead_code, unused_imports))]

mod load {
    pub mod arguments;
    pub mod connection;
    pub mod frame;
    pub mod heads;
    pub mod histogram;
    pub mod http;
    pub mod pace;
    pub mod position;
    pub mod process;
    pub mod random;
    pub mod report;
    pub mod run;
    pub mod sse;
    pub mod subscription;
    pub mod tally;
    pub mod target;
}

use std::{
    net::TcpStream,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use load::{
    arguments::{Arguments, USAGE},
    report::Report,
    run::Run,
};

/// Files that are not connections: standard streams, the poll, what is open to measure.
const OTHER_FILES: u64 = 32;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let report = match prepare(&arguments).and_then(|stop| measure(&arguments, &stop)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if arguments.json {
        println!("{}", report.json());
        eprintln!("{report}");
    } else {
        println!("{report}");
    }
    if report.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks what would otherwise show as thousands of failures. Returns what Ctrl-C sets.
fn prepare(arguments: &Arguments) -> Result<Arc<AtomicBool>, String> {
    let wanted = arguments.connections as u64 + OTHER_FILES;
    let limit = rlimit::increase_nofile_limit(wanted).map_err(|error| format!("the limit of open files: {error}"))?;
    if limit < wanted {
        let connections = arguments.connections;
        return Err(format!("{connections} connections need {wanted} open files and the limit is {limit}: ulimit -n"));
    }
    let address = arguments.target.address;
    TcpStream::connect_timeout(&address, Duration::from_secs(5))
        .map_err(|error| format!("nobody answers at {address}: {error}. Start the server first."))?;
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, stop.clone())
        .map_err(|error| format!("cannot listen to Ctrl-C: {error}"))?;
    Ok(stop)
}

fn measure(arguments: &Arguments, stop: &AtomicBool) -> Result<Report, String> {
    Run::new(arguments, stop).and_then(Run::run).map_err(|error| error.to_string())
}
