//! Rows of what language models were used for, by whom and on which day.

use super::{Store, StoreError, Tx};

impl Store {
    /// Tokens, in and out, that this one used on a day, and that all did together.
    pub async fn model_usage(&self, day: i64, who: &str) -> Result<(u64, u64), StoreError> {
        let (own, all): (i64, i64) = sqlx::query_as(
            "SELECT COALESCE(SUM(CASE WHEN who = $2 THEN input_tokens + output_tokens END), 0), \
             COALESCE(SUM(input_tokens + output_tokens), 0) FROM model_usage WHERE day = $1",
        )
        .bind(day)
        .bind(who)
        .fetch_one(&self.reads)
        .await?;
        Ok((own as u64, all as u64))
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
