//! How fast somebody may change things: a budget for each session, API key or, for those who are nobody, address, that
//! fills up evenly. Reading is limited by connections, not here.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use governor::{Quota, RateLimiter, clock::Clock, state::keyed::DashMapStateStore};

use super::{
    http_error,
    session::{Asking, Source},
    state::AppState,
};

/// Writes by key of whoever writes.
#[derive(Debug)]
pub struct Writes(RateLimiter<String, DashMapStateStore<String>, governor::clock::DefaultClock>);

impl Writes {
    /// So many a minute, a quarter of them at once.
    pub fn new(per_minute: u32) -> Arc<Self> {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(per_minute.get() / 4).unwrap_or(NonZeroU32::MIN);
        Arc::new(Self(RateLimiter::dashmap(Quota::per_minute(per_minute).allow_burst(burst))))
    }

    /// Nothing if this one may write now; else how long to wait.
    pub fn ask(&self, who: &str) -> Option<Duration> {
        let not_until = self.0.check_key(&who.to_owned()).err()?;
        Some(not_until.wait_time_from(self.0.clock().now()))
    }

    /// Forgets whoever has their whole budget again. Call it once a minute or so.
    pub fn forget_idle(&self) {
        self.0.retain_recent();
    }
}

/// Refuses what comes too fast, before anything is done about it.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let source = request.extensions().get::<Source>().map_or("", |source| source.0.as_str());
    let who = request.extensions().get::<Asking>().and_then(Asking::name);
    let who = who.unwrap_or_else(|| ["address ", source].concat());
    match state.writes.ask(&who) {
        None => next.run(request).await,
        Some(wait) => http_error::too_fast(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_one_s_own_and_says_when_it_fills_up() {
        let writes = Writes::new(8);
        assert!((0..2).all(|_| writes.ask("a").is_none()));
        let wait = writes.ask("a").expect("used up");
        assert!(wait > Duration::from_secs(6) && wait <= Duration::from_millis(7_500), "{wait:?}");
        assert_eq!(writes.ask("b"), None);
    }
}
