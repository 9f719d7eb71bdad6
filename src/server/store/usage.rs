//! Rows of what language models were used for, by whom and on which day; a row of all, too.

use super::{Store, StoreError, Tx};

/// Tokens that went in and came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
}

impl Store {
    /// What each of these, up to three, used on a day.
    pub async fn model_usage<const N: usize>(&self, day: i64, who: [&str; N]) -> Result<[Tokens; N], StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT who, input_tokens, output_tokens FROM model_usage WHERE day = $1 AND who IN ($2, $3, $4)",
        )
        .bind(day)
        .bind(who.first())
        .bind(who.get(1))
        .bind(who.get(2))
        .fetch_all(&self.reads)
        .await?;
        let found = |name: &str| rows.iter().find(|(who, ..)| who == name);
        Ok(who.map(|name| {
            found(name).map_or_else(Tokens::default, |(_, input, output)| Tokens {
                input: *input as u64,
                output: *output as u64,
            })
        }))
    }
}

impl Tx {
    pub async fn add_model_usage(&mut self, day: i64, who: &str, input: u32, output: u32) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO model_usage (day, who, input_tokens, output_tokens) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (day, who) DO UPDATE SET input_tokens = model_usage.input_tokens + excluded.input_tokens, \
             output_tokens = model_usage.output_tokens + excluded.output_tokens",
        )
        .bind(day)
        .bind(who)
        .bind(input)
        .bind(output)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Forgets what was used before a day.
    pub async fn forget_model_usage(&mut self, before_day: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM model_usage WHERE day < $1").bind(before_day).execute(&mut self.connection).await?;
        Ok(())
    }
}
