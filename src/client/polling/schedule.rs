//! When to ask for one key, and what to show meanwhile: one key over all components that use it, as a pure state machine.
//! Time (milliseconds of any clock that rises) and random numbers are passed in; the answer is what to cancel and what to
//! ask. `cache.rs` is the shell around it. What differs from SWR on purpose is listed in `mod.rs`.

use std::rc::Rc;

use super::{
    input::{Answer, Commands, Failure, Input, Outcome, Shown},
    rules::{Refresh, Rules, Value},
};

pub struct Schedule {
    mounts: Vec<Mount>,
    hidden: bool,
    offline: bool,
    /// What is shown; a component without it shows its first value.
    data: Option<Value>,
    /// What the server last said, shown or not.
    answered: Option<Value>,
    /// What stood there before optimistic data, until an answer confirms or corrects it.
    committed: Option<Option<Value>>,
    error: Option<Failure>,
    flight: Option<Flight>,
    mutation: Option<Mutation>,
    retry: Option<Retry>,
    /// Until then the last answer is new enough for everybody but [`Input::Revalidate`].
    fresh_until: f64,
    /// Until then the server does not want to be asked.
    held_until: f64,
    advised_ms: u32,
    requests: u32,
    /// The time of the last input.
    last: f64,
}

struct Mount {
    id: u32,
    rules: Rc<Rules>,
    first: Option<Value>,
    /// Coming to the front counts after this.
    focus_after: f64,
    refresh: Loop,
}

#[derive(Clone, Copy, PartialEq)]
enum Loop {
    Stopped,
    Due(f64),
    /// Goes on when the request in flight has ended.
    Asking,
}

struct Flight {
    request: u32,
    rules: Rc<Rules>,
    /// Which retry this is; 0 if it is none.
    attempt: u32,
    loading: bool,
    /// Overlapped a change, so that nobody knows which of the two it tells of.
    overtaken: bool,
}

struct Mutation {
    id: u32,
    optimistic: bool,
    committed: Option<Value>,
}

#[derive(Clone, Copy)]
struct Retry {
    at: f64,
    attempt: u32,
}

impl Schedule {
    /// Of a page that is `hidden` or `offline` now.
    pub fn new(hidden: bool, offline: bool) -> Self {
        Self {
            mounts: Vec::new(),
            hidden,
            offline,
            data: None,
            answered: None,
            committed: None,
            error: None,
            flight: None,
            mutation: None,
            retry: None,
            fresh_until: f64::NEG_INFINITY,
            held_until: f64::NEG_INFINITY,
            advised_ms: 0,
            requests: 0,
            last: f64::NEG_INFINITY,
        }
    }

    pub fn handle(&mut self, input: Input, now: f64, random: f64) -> Commands {
        self.follow_clock(now);
        let mut before = self.flight.as_ref().map(|flight| flight.request);
        match input {
            Input::Mount { id, rules, first, initial } => self.mount(id, rules, first, initial, now),
            Input::Unmount(id) => {
                self.mounts.retain(|mount| mount.id != id);
                if self.mounts.is_empty() {
                    self.flight = None;
                    self.retry = None;
                }
            }
            Input::Tick => self.tick(now),
            Input::Hidden => self.hidden = true,
            Input::Offline => self.offline = true,
            Input::Focus => self.focus(now),
            Input::Visible => {
                self.hidden = false;
                self.focus(now);
                self.tick(now);
            }
            Input::Online => {
                self.offline = false;
                if let Some(rules) = self.leader().filter(|rules| rules.revalidate_on_reconnect && !self.hidden) {
                    self.ask_unless_fresh(rules, 0, now);
                }
                self.tick(now);
            }
            Input::Answered { request, answer, advised_ms } if before == Some(request) => {
                before = None;
                self.answered(answer, advised_ms, now, random);
            }
            // Of a request that was cancelled.
            Input::Answered { .. } => {}
            Input::Revalidate => self.ask_anew(),
            Input::Mutate { mutation, optimistic } => self.mutate(mutation, optimistic),
            Input::Mutated { mutation, outcome, revalidate } => self.mutated(mutation, outcome, revalidate, now),
        }
        let after = self.flight.as_ref().map(|flight| flight.request);
        if before == after { Commands::default() } else { Commands { cancel: before, ask: after } }
    }

    /// When to tick next.
    pub fn next_wake(&self) -> Option<f64> {
        let due = |mount: &Mount| match mount.refresh {
            Loop::Due(at) => Some(at),
            Loop::Stopped | Loop::Asking => None,
        };
        // A retry that has to wait for the page is woken with it.
        let retry = self.retry.filter(|_| self.leader().is_some_and(|rules| self.may_ask_by_itself(&rules)));
        self.mounts.iter().filter_map(due).chain(retry.map(|retry| retry.at)).reduce(f64::min)
    }

    pub fn shown(&self, id: u32) -> Shown {
        let first = self.mounts.iter().find(|mount| mount.id == id).and_then(|mount| mount.first.clone());
        Shown {
            data: self.data.clone().or(first),
            error: self.error.clone(),
            is_loading: self.flight.as_ref().is_some_and(|flight| flight.loading),
            is_validating: self.flight.is_some(),
        }
    }

    /// Whether this request is in flight and has not been cancelled.
    pub fn waits_for(&self, request: u32) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.request == request)
    }

    fn mount(&mut self, id: u32, rules: Rc<Rules>, first: Option<Value>, initial: bool, now: f64) {
        // Who joins others that wait for a retry waits with them.
        let waits = !self.mounts.is_empty() && self.error.is_some();
        let asks = rules.asks_on_mount(initial, self.data.is_some() || first.is_some());
        let focus_after = now + f64::from(rules.focus_throttle_interval);
        self.mounts.push(Mount { id, rules: rules.clone(), first, focus_after, refresh: Loop::Stopped });
        if asks && !waits {
            self.ask_unless_fresh(rules, 0, now);
        }
        self.go_on(now);
    }

    /// The component that asks where any of them could: the one that is there longest.
    fn leader(&self) -> Option<Rc<Rules>> {
        self.mounts.first().map(|mount| mount.rules.clone())
    }

    fn may_ask_by_itself(&self, rules: &Rules) -> bool {
        (!self.hidden || rules.refresh_when_hidden) && (!self.offline || rules.refresh_when_offline)
    }

    fn focus(&mut self, now: f64) {
        let Some(mount) = self.mounts.first_mut() else { return };
        if mount.rules.revalidate_on_focus && now > mount.focus_after && !self.hidden && !self.offline {
            mount.focus_after = now + f64::from(mount.rules.focus_throttle_interval);
            let rules = mount.rules.clone();
            self.ask_unless_fresh(rules, 0, now);
        }
    }

    fn tick(&mut self, now: f64) {
        let leader = self.leader().filter(|rules| self.may_ask_by_itself(rules));
        if let (Some(rules), Some(retry)) = (leader, self.retry.filter(|retry| retry.at <= now)) {
            self.retry = None;
            self.ask_unless_fresh(rules, retry.attempt, now);
        }
        for at in 0..self.mounts.len() {
            if matches!(self.mounts[at].refresh, Loop::Due(due) if due <= now) {
                self.mounts[at].refresh = self.refresh(at, now);
            }
        }
    }

    /// The interval of the component at this place is over.
    fn refresh(&mut self, at: usize, now: f64) -> Loop {
        let ms = self.interval(at);
        let rules = self.mounts[at].rules.clone();
        // While there is an error, the retries are in charge.
        if ms > 0.0 && self.error.is_none() && self.may_ask_by_itself(&rules) {
            self.ask_unless_fresh(rules, 0, now);
            if self.flight.is_some() {
                return Loop::Asking;
            }
        }
        due(ms, now)
    }

    fn interval(&self, at: usize) -> f64 {
        let Mount { rules, first, .. } = &self.mounts[at];
        f64::from(match &rules.refresh {
            Refresh::Fixed(ms) => *ms,
            Refresh::Of(ms) => ms(self.data.as_ref().or(first.as_ref())),
            Refresh::Advised => self.advised_ms,
        })
    }

    /// Lets every loop go on that waits for nothing any more.
    fn go_on(&mut self, now: f64) {
        for at in 0..self.mounts.len() {
            let waits = self.mounts[at].refresh == Loop::Asking && self.flight.is_some();
            if !waits && !matches!(self.mounts[at].refresh, Loop::Due(_)) {
                self.mounts[at].refresh = due(self.interval(at), now);
            }
        }
    }

    fn ask_unless_fresh(&mut self, rules: Rc<Rules>, attempt: u32, now: f64) {
        if self.flight.is_some() || now < self.fresh_until {
            return;
        }
        if now < self.held_until {
            self.retry.get_or_insert(Retry { at: self.held_until, attempt });
            return;
        }
        self.ask(rules, attempt);
    }

    fn ask_anew(&mut self) {
        self.fresh_until = f64::NEG_INFINITY;
        match self.leader() {
            Some(rules) => self.ask(rules, 0),
            None => self.flight = None,
        }
    }

    fn ask(&mut self, rules: Rc<Rules>, attempt: u32) {
        self.requests += 1;
        self.fresh_until = f64::NEG_INFINITY;
        self.flight = Some(Flight {
            request: self.requests,
            rules,
            attempt,
            loading: self.data.is_none() || self.flight.as_ref().is_some_and(|flight| flight.loading),
            overtaken: self.mutation.is_some(),
        });
    }

    fn answered(&mut self, answer: Answer, advised_ms: Option<u32>, now: f64, random: f64) {
        let Some(Flight { rules, attempt, overtaken, .. }) = self.flight.take() else { return };
        self.advised_ms = advised_ms.unwrap_or(self.advised_ms);
        match answer {
            Answer::Data(_) | Answer::Same => {
                if let Answer::Data(value) = answer {
                    self.answered = Some(value);
                }
                self.fresh_until = now + f64::from(rules.deduping_interval);
                self.held_until = f64::NEG_INFINITY;
                if !overtaken {
                    self.data = self.answered.clone().or(self.data.take());
                    self.succeed();
                }
            }
            Answer::Failed { failure, retry_after_ms } => {
                self.error = Some(failure);
                self.held_until = retry_after_ms.map_or(f64::NEG_INFINITY, |ms| now + ms);
                let attempt = attempt + 1;
                let again = rules.should_retry_on_error && rules.error_retry_count.is_none_or(|most| attempt <= most);
                let wait = retry_after_ms.unwrap_or_else(|| rules.retry_ms(attempt, random));
                self.retry = again.then_some(Retry { at: now + wait, attempt });
            }
        }
        if self.mutation.is_none() {
            self.committed = None;
        }
        self.go_on(now);
    }

    fn succeed(&mut self) {
        self.error = None;
        self.retry = None;
    }

    fn mutate(&mut self, id: u32, optimistic: Option<Value>) {
        let committed = self.committed.clone().unwrap_or_else(|| self.data.clone());
        if let Some(flight) = &mut self.flight {
            flight.overtaken = true;
        }
        self.mutation = Some(Mutation { id, optimistic: optimistic.is_some(), committed: committed.clone() });
        if optimistic.is_some() {
            self.data = optimistic;
            self.committed = Some(committed);
        }
    }

    fn mutated(&mut self, id: u32, outcome: Outcome, revalidate: bool, now: f64) {
        // A later change decides.
        let Some(Mutation { optimistic, committed, .. }) = self.mutation.take_if(|mutation| mutation.id == id) else {
            return;
        };
        match outcome {
            Outcome::Data(value) => {
                self.data = Some(value);
                self.committed = None;
                self.succeed();
            }
            Outcome::Failed { rollback: true } if optimistic => {
                self.data = committed;
                self.committed = None;
            }
            Outcome::Failed { .. } | Outcome::Done => {}
        }
        if revalidate {
            self.ask_anew();
        } else {
            self.committed = None;
        }
        self.go_on(now);
    }

    /// The clock may be set back. Every moment that is held goes back with it, or nothing would be due for hours.
    fn follow_clock(&mut self, now: f64) {
        let back = (self.last - now).max(0.0);
        self.last = now;
        if back == 0.0 {
            return;
        }
        self.fresh_until -= back;
        self.held_until -= back;
        if let Some(retry) = &mut self.retry {
            retry.at -= back;
        }
        for mount in &mut self.mounts {
            mount.focus_after -= back;
            if let Loop::Due(at) = &mut mount.refresh {
                *at -= back;
            }
        }
    }
}

fn due(ms: f64, now: f64) -> Loop {
    if ms > 0.0 { Loop::Due(now + ms) } else { Loop::Stopped }
}
