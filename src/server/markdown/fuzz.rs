//! What a markdown document promises whatever its text is: the same blocks however it was cut, and nothing but the allow list.
//! `make audit` tries many times as many cases as `make test` does.

use super::{
    Markdown,
    hostile::{PAYLOADS, assert_harmless},
    render,
};
use proptest::prelude::*;

/// What answers are made of, and what they are halfway through.
const PIECES: &[&str] = &[
    "word ",
    "äöü ",
    "日本語",
    "🎉",
    "\n",
    "\n\n",
    "\n\n",
    "# ",
    "### ",
    "- ",
    "* ",
    "1. ",
    "7) ",
    "> ",
    "    ",
    "  ",
    "\t",
    "---\n",
    "===\n",
    "***",
    "**",
    "*",
    "_",
    "~~",
    "`",
    "``",
    "```",
    "```rust\n",
    "~~~\n",
    "```\n",
    "````\n",
    "| a | b |\n",
    "|---|:-:|\n",
    "| 1 | `2` |\n",
    "|",
    "[",
    "]",
    "(",
    ")",
    "[a](https://b.c/d_e)",
    "[x]",
    "[x]: https://y.z\n",
    "[x]: /q\n\"title\n",
    "\"\n",
    "![p](",
    "https://a.b/c_d",
    "<div>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "\\",
    "&amp;",
    "&#x6a;",
    "\r\n",
    "\r",
    "\0",
    "- [ ] ",
    "- [x] ",
    "fn main() {}\n",
    "let a = \"b\"; // c\n",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        40 => prop::sample::select(PIECES).prop_map(str::to_owned),
        5 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(PAYLOADS).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// The document after its text was pushed in pieces that end at these characters. Each patch is checked on the way.
fn pushed(text: &str, cuts: &[usize]) -> Markdown {
    let mut document = Markdown::default();
    let mut shown = Vec::new();
    let mut piece = String::new();
    let mut patches = Vec::new();
    for (at, letter) in text.chars().enumerate() {
        piece.push(letter);
        if cuts.contains(&at) {
            patches.extend(document.push(&piece));
            piece.clear();
            for patch in patches.drain(..) {
                patch.apply(&mut shown);
            }
            assert_eq!(shown, document.blocks());
        }
    }
    patches.extend(document.push(&piece));
    patches.extend(document.finish());
    for patch in patches {
        patch.apply(&mut shown);
    }
    assert_eq!(shown, document.blocks());
    assert_eq!(document.text(), text);
    document
}

proptest! {
    #[test]
    fn the_blocks_do_not_depend_on_how_the_text_was_cut(text in texts(), cuts in prop::collection::vec(0..400usize, 0..40)) {
        let whole = render(&text);
        assert_eq!(pushed(&text, &cuts).blocks(), whole);
        let every: Vec<_> = (0..text.len()).collect();
        assert_eq!(pushed(&text, &every).blocks(), whole);
    }

    #[test]
    fn nothing_but_the_allow_list_is_ever_shown(text in texts()) {
        let mut document = Markdown::default();
        for letter in text.chars() {
            document.push(letter.encode_utf8(&mut [0; 4]));
            for block in document.blocks() {
                assert_harmless(block);
            }
        }
        document.finish();
        for block in document.blocks() {
            assert_harmless(block);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 10))]

    /// Past the lengths at which lines and blocks are cut, and at which fewer ends are looked for.
    #[test]
    fn nor_do_the_blocks_of_long_texts(text in texts(), times in 1..200usize, more in texts(), cuts in prop::collection::vec(0..90_000usize, 0..9)) {
        let mut text = text.repeat(times) + &more;
        text.truncate(text.floor_char_boundary(90_000));
        assert_eq!(pushed(&text, &cuts).blocks(), render(&text));
    }
}
