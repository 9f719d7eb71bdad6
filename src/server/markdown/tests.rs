//! What a markdown document is, and what it promises while it grows: small patches, calm. Of texts by chance: `fuzz.rs`.

use super::{Effort, Markdown, closing, render, render_within};

fn one(text: &str) -> String {
    let blocks = render(text);
    assert_eq!(blocks.len(), 1, "{blocks:?}");
    blocks.concat()
}

/// What is shown after each letter.
fn steps(text: &str) -> Vec<String> {
    let mut document = Markdown::default();
    let after = |letter: char| {
        document.push(letter.encode_utf8(&mut [0; 4]));
        document.blocks().concat()
    };
    text.chars().map(after).collect()
}

#[test]
fn a_word_that_grows_sends_its_letters() {
    let mut document = Markdown::default();
    document.push("Hello wor");
    let patches = document.push("ld");
    assert_eq!(document.blocks(), ["<p>Hello world</p>"]);
    assert_eq!(patches.len(), 1);
    assert_eq!((patches[0].block, patches[0].keep, patches[0].html.as_str()), (0, 12, "ld</p>"));
    assert_eq!(document.push(""), []);
}

#[test]
fn a_closed_block_is_not_touched_again() {
    let mut document = Markdown::default();
    document.push("One\n\n- two\n- three\n\nfour\n");
    assert_eq!(document.blocks().len(), 3);
    let patches = document.push("goes on\n\n# five\n\nsix\n");
    assert!(patches.iter().all(|patch| patch.block >= 2), "{patches:?}");
    assert_eq!(document.blocks().len(), 5);
}

#[test]
fn headings_lists_tables_and_quotations_are_what_they_are() {
    for (text, html) in [
        ("# a", "<h3>a</h3>"),
        ("## a", "<h4>a</h4>"),
        ("### a", "<h5>a</h5>"),
        ("###### a", "<h6>a</h6>"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a", r#"<ol start="3"><li>a</li></ol>"#),
        ("- [x] a", r#"<ul><li><span class="task">☑</span> a</li></ul>"#),
        ("> a", "<blockquote><p>a</p></blockquote>"),
        ("---", "<hr>"),
        ("a\\\nb", "<p>a<br>b</p>"),
        ("[^1]", "<p>[^1]</p>"),
        (
            "| a | b |\n|---|--:|\n| 1 | 2 |",
            concat!(
                r#"<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th>a</th>"#,
                r#"<th class="cell--end">b</th></tr></thead><tbody><tr><td>1</td><td class="cell--end">2</td></tr></tbody>"#,
                "</table></div>"
            ),
        ),
        (
            "| | b |\n|--:|---|",
            concat!(
                r#"<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr><td></td>"#,
                "<th>b</th></tr></thead><tbody></tbody></table></div>"
            ),
        ),
    ] {
        assert_eq!(one(text), html);
    }
}

const ELSEWHERE: &str = r#"rel="noopener noreferrer nofollow" target="_blank""#;

#[test]
fn links_lead_elsewhere_with_care_and_pictures_are_links() {
    for (text, html) in [
        ("[a](https://b.c \"title\")", format!(r#"<p><a href="https://b.c" {ELSEWHERE}>a</a></p>"#)),
        ("<https://b.c>", format!(r#"<p><a href="https://b.c" {ELSEWHERE}>https://b.c</a></p>"#)),
        ("see https://b.c/d_e.", format!(r#"<p>see <a href="https://b.c/d_e" {ELSEWHERE}>https://b.c/d_e</a>.</p>"#)),
        ("[a](/b)", r#"<p><a href="/b">a</a></p>"#.to_owned()),
        ("[a](mailto:b@c.d)", r#"<p><a href="mailto:b@c.d">a</a></p>"#.to_owned()),
        ("[*a*](//b.c)", "<p><em>a</em></p>".to_owned()),
        ("![a](https://b.c/d.png)", format!(r#"<p><a href="https://b.c/d.png" {ELSEWHERE}>a</a></p>"#)),
        ("[![a](https://b.c)](/d)", r#"<p><a href="/d">a</a></p>"#.to_owned()),
        ("![a](data:image/png;base64,AAAA)", "<p>a</p>".to_owned()),
    ] {
        assert_eq!(one(text), html);
    }
}

#[test]
fn a_definition_counts_for_what_follows_it() {
    let blocks = render("[a][]\n\n[A]: https://b.c\n[a]: https://no.no\n\ntext\n\n[a], [ A ]\n");
    assert_eq!(blocks[0], "<p>[a][]</p>");
    assert_eq!(blocks.concat().matches("https://b.c").count(), 2);
}

#[test]
fn code_is_code_from_its_first_line_and_closing_it_moves_nothing() {
    let frame = |code: &str| {
        format!(
            concat!(
                r#"<div class="code"><div class="code__bar"><span class="code__language">rust</span>"#,
                r#"<button class="code__copy" type="button" data-copy="">Copy</button></div>"#,
                r#"<pre tabindex="0"><code class="code__text">{}</code></pre></div>"#
            ),
            code
        )
    };
    let text = "```rust\nlet a = 1 < 2;\n";
    for (at, shown) in steps(text).iter().enumerate() {
        if at < 7 {
            assert_eq!(shown, "", "a fence that is being typed is not shown");
        } else {
            let code = text[8..=at].replace('<', "&lt;");
            assert_eq!(*shown, frame(&code));
        }
    }
    let closed = one("```rust\nlet a = 1 < 2;\n```\n");
    assert!(
        closed.contains(r#"<span class="hl-keyword">let</span> a = <span class="hl-number">1 </span>&lt; "#),
        "{closed}"
    );
    assert_eq!(without_spans(&closed), without_spans(&frame("let a = 1 &lt; 2;\n")));
}

fn without_spans(html: &str) -> String {
    let closed = html.replace("</span>", "");
    closed
        .split("<span class=\"hl-")
        .map(|part| part.split_once("\">").filter(|(name, _)| name.len() < 12).map_or(part, |(_, rest)| rest))
        .collect()
}

#[test]
fn the_end_of_a_fence_is_never_shown_as_code() {
    for shown in steps("~~~~\na\n  ~~~\n ~~~~  \nb") {
        assert!(!shown.contains("~~~~"), "{shown}");
    }
    assert_eq!(render("~~~~\na\n  ~~~\n ~~~~  \nb").len(), 2);
}

#[test]
fn what_is_half_typed_does_not_jump() {
    for shown in steps("Look:\n- a\n- b\n") {
        assert!(!shown.contains("<h"), "a line over a dash is no heading: {shown}");
    }
    for shown in steps("| a | b |\n|---|---|\n| 1 |").iter().skip(19) {
        assert!(shown.contains("<table>"), "{shown}");
    }
}

#[test]
fn languages_have_colours_under_the_names_people_use() {
    for name in [
        "rust",
        "rs",
        "TypeScript",
        "ts",
        "tsx",
        "js",
        "javascript",
        "jsx",
        "python",
        "py",
        "go",
        "golang",
        "toml",
        "yaml",
        "json",
        "jsonc",
        "sql",
        "bash",
        "sh",
        "shell",
        "console",
        "html",
        "css",
        "c",
        "cpp",
        "c++",
        "java",
        "kotlin",
        "swift",
        "ruby",
        "dockerfile",
        "php",
        "diff",
    ] {
        let text = format!(
            "```{name}\n# \"a\" 12 /* b */ <a b=\"c\"> .d {{ color: red }}\n+a\n-b\nreturn \"x\" 1 SELECT\nFROM x\nif a: 1\n```\n"
        );
        assert!(one(&text).contains("hl-"), "{name}");
    }
    for name in ["", "nonsense", "text"] {
        assert!(!one(&format!("```{name}\nlet a = 1;\n```\n")).contains("hl-"), "{name}");
    }
}

#[test]
fn code_of_unusual_size_is_plain() {
    for code in ["let a = 1;\n".repeat(5000), format!("let a = \"{}\";\n", "b".repeat(4000))] {
        assert!(!one(&format!("```rust\n{code}```\n")).contains("hl-"));
    }
}

#[test]
fn what_closes_code_is_known_where_it_is_open() {
    for (text, end) in [
        ("a", ""),
        ("```\na", "```"),
        ("```\na\n```", ""),
        ("```\na\n```\n\nb", ""),
        ("a\n\n~~~~rust\n```\n", "~~~~"),
        ("````\n```\na\n", "````"),
    ] {
        assert_eq!(closing(text), end, "{text:?}");
    }
}

#[test]
fn what_is_done_after_the_end_is_harmless() {
    let mut document = Markdown::default();
    document.push("a");
    document.finish();
    assert_eq!(document.finish(), []);
    document.push("b");
    assert_eq!(document.blocks(), ["<p>a</p>", "<p>b</p>"]);
}

#[test]
fn there_is_an_end_to_what_is_coloured_in_one_rendering() {
    let hostile = format!("```rust\nlet x = {};\n```\n\n", "a+".repeat(1_490));
    let text = hostile.repeat(31);
    let coloured = |blocks: &[String]| blocks.iter().map(|block| block.contains("class=\"hl-")).collect::<Vec<_>>();
    let expected: Vec<_> = (0..31).map(|block| block < 2).collect();
    assert_eq!(coloured(&render(&text)), expected);
    let mut growing = Markdown::default();
    text.as_bytes().chunks(1_000).for_each(|piece| drop(growing.push(std::str::from_utf8(piece).expect("ASCII"))));
    growing.finish();
    assert_eq!(growing.blocks(), render(&text), "nor while it grows");
    let texts: Vec<_> = (0..4).map(|number| format!("{number}\n\n{hostile}")).collect();
    let look = || {
        let mut effort = Effort::default();
        texts.iter().filter(|text| coloured(&render_within(text, &mut effort)).contains(&true)).count()
    };
    assert_eq!(look(), 2, "nor in several texts that are shown together");
    assert_eq!(look(), 4, "until they are looked at again: what is remembered takes no time");
    let usual = "```rust\nfn main() {\n    let tide = \"high\";\n}\n```\n\n".repeat(1_000);
    assert!(coloured(&render(&usual)).into_iter().all(|coloured| coloured), "all of a long answer is");
}
