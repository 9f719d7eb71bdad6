-- What language models have been used for, by whom and on which day: what ceilings are held against.
CREATE TABLE model_usage (
    -- Days since 1970 (UTC).
    day BIGINT NOT NULL,
    -- Whose ceiling it counts towards: a person, an API key, an address.
    who TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (day, who)
);
