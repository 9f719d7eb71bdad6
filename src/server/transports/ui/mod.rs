//! Vercel's AI SDK: its UI message stream (version 1) over the same runs as the page, so that `useChat` and
//! `DefaultChatTransport` of npm `ai` work, and resume.

mod frames;
mod handlers;
pub mod stream;

pub use frames::Frames;
pub use handlers::{Chat, answer, resume, stop};
