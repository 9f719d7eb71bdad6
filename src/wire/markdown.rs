//! Rendered Markdown that grows: what has changed in its blocks.

use serde::{Deserialize, Serialize};

/// What has changed in a rendered document: of block number `block` (0 is the first; a new one is the next number) the
/// first `keep` bytes (UTF-8) of its HTML stay, and `html` follows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub block: u32,
    pub keep: u32,
    pub html: String,
}

impl Patch {
    pub fn apply(self, blocks: &mut Vec<String>) {
        let at = self.block as usize;
        if at == blocks.len() {
            blocks.push(String::new());
        }
        if let Some(b) = blocks.get_mut(at) {
            b.truncate(self.keep as usize);
            b.push_str(&self.html);
        }
    }
}
