//! Anything that may happen to one key, in any order, and what holds all the same.

use std::rc::Rc;

use proptest::{collection::vec, prelude::*};
use tidemark::client::polling::{
    Failure,
    input::{Answer, Commands, Input, Outcome},
    rules::{Refresh, Rules},
    schedule::Schedule,
};

#[derive(Clone, Debug)]
pub enum Happening {
    /// Its interval: the first is fixed, the second of the data, the third advised.
    Mount {
        kind: u8,
        ms: u32,
        asks: Option<bool>,
        has_first: bool,
    },
    Unmount(usize),
    /// Time passes, and timers fire.
    Wait(u32),
    /// A timer fires late, or for nothing.
    Tick(u32),
    Focus,
    Hidden,
    Visible,
    Offline,
    Online,
    /// The data, which is the interval that it asks for; nothing is the same again.
    Succeed {
        data: Option<u32>,
        advised_ms: Option<u32>,
    },
    Fail {
        retry_after_ms: Option<u32>,
    },
    Revalidate,
    Mutate {
        optimistic: Option<u32>,
    },
    Mutated {
        data: Option<u32>,
        fails: bool,
        revalidate: bool,
    },
}

pub fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use Happening as H;
    let ms = || prop_oneof![Just(0u32), Just(700), Just(3_000), 0..20_000u32];
    let maybe = || prop::option::of(ms());
    let mount = (0..3u8, ms(), any::<Option<bool>>(), any::<bool>());
    vec(
        prop_oneof![
            3 => mount.prop_map(|(kind, ms, asks, has_first)| H::Mount { kind, ms, asks, has_first }),
            2 => any::<usize>().prop_map(H::Unmount),
            6 => (0..30_000u32).prop_map(H::Wait),
            1 => (0..30_000u32).prop_map(H::Tick),
            2 => Just(H::Focus),
            2 => Just(H::Hidden),
            2 => Just(H::Visible),
            1 => Just(H::Offline),
            2 => Just(H::Online),
            6 => (maybe(), maybe()).prop_map(|(data, advised_ms)| H::Succeed { data, advised_ms }),
            3 => maybe().prop_map(|retry_after_ms| H::Fail { retry_after_ms }),
            1 => Just(H::Revalidate),
            2 => maybe().prop_map(|optimistic| H::Mutate { optimistic }),
            2 => (maybe(), any::<bool>(), any::<bool>()).prop_map(|(data, fails, revalidate)| {
                H::Mutated { data, fails, revalidate }
            }),
        ],
        1..60,
    )
}

pub struct World {
    now: f64,
    schedule: Schedule,
    components: Vec<u32>,
    /// How each component's interval comes about.
    refreshes: Vec<(u8, u32)>,
    hidden: bool,
    offline: bool,
    in_flight: Option<u32>,
    advised_ms: u32,
    held_until: f64,
    /// Whether something may have been put off until then.
    owed: bool,
    numbers: u32,
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: 0.0,
            schedule: Schedule::new(false, false),
            components: Vec::new(),
            refreshes: Vec::new(),
            hidden: false,
            offline: false,
            in_flight: None,
            advised_ms: 0,
            held_until: 0.0,
            owed: false,
            numbers: 0,
        }
    }
}

impl World {
    pub fn live(mut self, happenings: &[Happening]) {
        happenings.iter().for_each(|happening| self.happen(happening.clone()));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Mount { kind, ms, asks, has_first } => {
                self.numbers += 1;
                let rules = Rc::new(Rules {
                    refresh: match kind {
                        0 => Refresh::Fixed(ms),
                        1 => Refresh::Of(Box::new(|data| data.map_or(0, |ms| *ms.downcast_ref().expect("a number")))),
                        _ => Refresh::Advised,
                    },
                    revalidate_on_mount: asks,
                    ..Rules::default()
                });
                self.components.push(self.numbers);
                self.refreshes.push((kind, ms));
                let first = has_first.then(|| Rc::new(ms) as _);
                self.tell(Input::Mount { id: self.numbers, rules, first, initial: true });
            }
            Happening::Unmount(at) if !self.components.is_empty() => {
                let at = at % self.components.len();
                self.refreshes.remove(at);
                let id = self.components.remove(at);
                self.tell(Input::Unmount(id));
            }
            Happening::Wait(ms) => {
                let until = self.now + f64::from(ms);
                while let Some(at) = self.schedule.next_wake().filter(|at| *at <= until) {
                    self.now = self.now.max(at);
                    self.tick();
                }
                self.now = until;
            }
            Happening::Tick(late) => {
                self.now += f64::from(late);
                self.tick();
            }
            Happening::Focus => self.tell(Input::Focus),
            Happening::Hidden => {
                self.hidden = true;
                self.tell(Input::Hidden);
            }
            Happening::Visible => {
                self.hidden = false;
                self.tell(Input::Visible);
            }
            Happening::Offline => {
                self.offline = true;
                self.tell(Input::Offline);
            }
            Happening::Online => {
                self.offline = false;
                self.tell(Input::Online);
            }
            Happening::Succeed { data, advised_ms } => {
                let answer = data.map_or(Answer::Same, |data| Answer::Data(Rc::new(data)));
                self.answer(answer, advised_ms, f64::NEG_INFINITY);
            }
            Happening::Fail { retry_after_ms } => {
                let failure = Failure { status: 503, message: String::new() };
                let held = retry_after_ms.map_or(f64::NEG_INFINITY, |ms| self.now + f64::from(ms));
                self.answer(Answer::Failed { failure, retry_after_ms: retry_after_ms.map(f64::from) }, None, held);
            }
            Happening::Revalidate => self.tell(Input::Revalidate),
            Happening::Mutate { optimistic } => {
                self.numbers += 1;
                let optimistic = optimistic.map(|data| Rc::new(data) as _);
                self.tell(Input::Mutate { mutation: self.numbers, optimistic });
            }
            Happening::Mutated { data, fails, revalidate } => {
                let outcome = match data {
                    _ if fails => Outcome::Failed { rollback: true },
                    Some(data) => Outcome::Data(Rc::new(data)),
                    None => Outcome::Done,
                };
                // Of the last change, unless a component came since.
                self.tell(Input::Mutated { mutation: self.numbers, outcome, revalidate });
            }
            Happening::Unmount(_) => {}
        }
    }

    fn answer(&mut self, answer: Answer, advised_ms: Option<u32>, held_until: f64) {
        let Some(request) = self.in_flight.take() else { return };
        self.advised_ms = advised_ms.unwrap_or(self.advised_ms);
        self.held_until = held_until;
        self.tell(Input::Answered { request, answer, advised_ms });
    }

    fn tick(&mut self) {
        let quiet = self.hidden || self.offline || self.nothing_refreshes();
        let before = self.in_flight;
        self.tell(Input::Tick);
        if quiet {
            assert_eq!(
                self.in_flight, before,
                "a timer asked while hidden or offline, or although no interval is left"
            );
        }
        assert!(self.schedule.next_wake().is_none_or(|at| at > self.now), "a timer that would fire for ever");
    }

    /// Whether every interval is zero, no error is to be retried and nothing was put off.
    fn nothing_refreshes(&self) -> bool {
        self.components.iter().zip(&self.refreshes).all(|(id, (kind, ms))| {
            let shown = self.schedule.shown(*id);
            let of_data = || shown.data.as_ref().map_or(0, |ms| *ms.downcast_ref().expect("a number"));
            let interval = match kind {
                0 => *ms,
                1 => of_data(),
                _ => self.advised_ms,
            };
            interval == 0 && shown.error.is_none() && !self.owed
        })
    }

    /// What holds after whatever happens.
    fn tell(&mut self, input: Input) {
        self.owed |= self.now < self.held_until;
        let wanted = matches!(input, Input::Revalidate | Input::Mutated { .. });
        let Commands { cancel, ask } = self.schedule.handle(input, self.now, 0.5);
        if cancel.is_some() {
            assert_eq!(cancel, self.in_flight.take(), "only what is in flight can be cancelled");
        }
        if let Some(request) = ask {
            assert_eq!(self.in_flight, None, "one request at a time");
            assert!(wanted || self.now >= self.held_until, "asked before the server wanted to be asked again");
            self.in_flight = Some(request);
            self.owed = false;
        }
        if self.components.is_empty() {
            assert_eq!((self.in_flight, self.schedule.next_wake()), (None, None), "nobody is there any more");
        }
        for id in &self.components {
            assert_eq!(self.schedule.shown(*id).is_validating, self.in_flight.is_some());
        }
    }
}
