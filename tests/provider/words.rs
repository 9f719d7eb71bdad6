//! What the fake says.

/// So many words that can be told apart: a test sees which is missing.
pub fn counted(words: usize) -> String {
    (1..=words).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
}

pub fn answer(question: &str, messages: usize) -> String {
    format!("You said “{question}”. I was sent {messages} messages.")
}

pub fn about_result(result: &str) -> String {
    format!("The tool said “{result}”.")
}

pub fn without(tool: &str) -> String {
    format!("I have no tool called {tool}.")
}

pub const THOUGHTS: [&str; 3] = ["Let me ", "think about ", "that."];

pub const MARKDOWN: &str = r#"# A heading

Some **bold**, some *emphasis*, some `code` and [a link](https://example.com/).

## A list

- one
- two
  1. first
  2. second

| name | value |
|---|---:|
| left | 1 |
| right | 2 |

```rust
fn main() {
    println!("<b>not bold</b> & not a tag");
}
```

```
no language
```

<script>document.title = "attacked"</script><img src="x" onerror="document.title = 'attacked'">
[not a link](javascript:document.title='attacked')

The end.
"#;

/// A text in pieces that end after each blank; put together again they are the text.
pub fn pieces(text: String) -> impl Iterator<Item = String> + Send {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let end = rest.find(' ').map_or(rest.len(), |blank| blank + 1);
        at += end;
        (end > 0).then(|| rest[..end].to_owned())
    })
}
