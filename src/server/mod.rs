//! What runs natively only: transports → features → topics.

mod app_errors;
pub mod asker;
pub mod assets;
mod bodies;
pub mod boot;
pub mod command_line;
pub mod config;
pub mod connections;
mod demo;
pub mod door;
pub mod features;
pub mod flash;
pub mod http_error;
pub mod jobs;
pub mod markdown;
pub mod model;
pub mod plain_forms;
pub mod rate_limit;
pub mod router;
pub mod session;
pub mod state;
pub mod store;
pub mod tools;
pub mod topics;
pub mod transports;
