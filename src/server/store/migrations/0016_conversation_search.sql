-- What is searched in conversations with the assistant: what people and models wrote, and nothing else of `parts`, folded as what
-- is looked for is (`store/conversation_search.rs`). No index: keeping one of all letters true costs each write, and each removal,
-- more than a look through one person's own texts.
ALTER TABLE turn ADD COLUMN plain TEXT NOT NULL DEFAULT '';

-- Of what is there already only ASCII's letters are folded: SQLite knows no others.
UPDATE turn SET plain = lower(COALESCE((
    SELECT group_concat(json_extract(part.value, '$.text'), char(10)) FROM json_each(turn.parts) AS part
    WHERE json_extract(part.value, '$.type') = 'text'
), ''));

-- A turn that goes takes along those that follow it: without this, all turns of all conversations were looked at for each.
CREATE INDEX turn_parent ON turn (parent) WHERE parent IS NOT NULL;
