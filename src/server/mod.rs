//! What runs natively only: transports → features → topics.

pub mod assets;
pub mod boot;
pub mod config;
pub mod connections;
pub mod features;
pub mod flash;
pub mod http_error;
pub mod router;
pub mod session;
pub mod state;
pub mod topics;
pub mod transports;
