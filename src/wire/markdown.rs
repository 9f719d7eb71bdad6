//! How a rendered document that grows is kept up to date: a list of blocks, each a piece of HTML, and what changed in one
//! of them. The server makes the HTML and vouches for it (`server/markdown`); who applies a patch believes it.

use serde::{Deserialize, Serialize};

/// What has changed in a rendered document: of block number `block` (0 is the first; a new one is the next number) the first
/// `keep` bytes (UTF-8) of its HTML stay, and `html` follows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub block: u32,
    pub keep: u32,
    pub html: String,
}

impl Patch {
    /// A patch that does not fit is no reason to stop: a block is replaced when what shall stay of it is not there, and one
    /// that is not the next is put at the end.
    pub fn apply(self, blocks: &mut Vec<String>) {
        match blocks.get_mut(self.block as usize) {
            Some(block) if block.is_char_boundary(self.keep as usize) => {
                block.truncate(self.keep as usize);
                block.push_str(&self.html);
            }
            Some(block) => *block = self.html,
            None => blocks.push(self.html),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(blocks: &[&str], block: u32, keep: u32, html: &str) -> Vec<String> {
        let mut blocks: Vec<_> = blocks.iter().map(|block| (*block).to_owned()).collect();
        Patch { block, keep, html: html.to_owned() }.apply(&mut blocks);
        blocks
    }

    #[test]
    fn a_patch_keeps_a_beginning_or_adds_the_next_block() {
        assert_eq!(after(&["<p>wor</p>"], 0, 6, "ld</p>"), ["<p>world</p>"]);
        assert_eq!(after(&["a"], 1, 0, "b"), ["a", "b"]);
        assert_eq!(after(&["ab"], 0, 1, ""), ["a"]);
    }

    #[test]
    fn what_does_not_fit_replaces_the_whole() {
        assert_eq!(after(&["ab"], 0, 3, "c"), ["c"]);
        assert_eq!(after(&["ä"], 0, 1, "c"), ["c"]);
        assert_eq!(after(&["a"], 7, 4, "c"), ["a", "c"]);
    }
}
