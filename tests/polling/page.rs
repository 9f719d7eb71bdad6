//! A page without a browser: plays a script on our schedules with a fake clock, and notes what the recorder notes of swr.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use tidemark::client::polling::{
    Failure,
    input::{Answer, Commands, Input, Outcome, Shown},
    rules::{Rules, Value},
    schedule::Schedule,
};

use super::script::{Action, Reply, Script, text};

pub struct Page<'a> {
    script: &'a Script,
    now: f64,
    hidden: bool,
    offline: bool,
    keys: BTreeMap<String, Schedule>,
    components: Vec<Component>,
    /// When it arrives, of which key, which request, what.
    answers: Vec<(f64, String, u32, Reply)>,
    /// When it is done, of which key, which change, what.
    changes: Vec<(f64, String, u32, Outcome, bool)>,
    /// The text that each key was answered last.
    texts: HashMap<String, String>,
    numbers: u32,
    pub asked: Vec<(f64, String)>,
    pub shown: Vec<super::script::Shown>,
}

struct Component {
    who: String,
    id: u32,
    key: Option<String>,
    rules: Rc<Rules>,
    keeps: bool,
    /// Whether it had a key before.
    begun: bool,
    last: Option<Value>,
    noted: Option<super::script::Shown>,
}

const RANDOM: f64 = 0.5;

impl<'a> Page<'a> {
    pub fn play(script: &'a Script) -> Self {
        let mut page = Page {
            script,
            now: 0.0,
            hidden: false,
            offline: false,
            keys: BTreeMap::new(),
            components: Vec::new(),
            answers: Vec::new(),
            changes: Vec::new(),
            texts: HashMap::new(),
            numbers: 0,
            asked: Vec::new(),
            shown: Vec::new(),
        };
        let mut events = script.events.iter().peekable();
        while page.now < script.until {
            while let Some(event) = events.next_if(|event| event.at == page.now) {
                page.perform(&event.action);
            }
            page.note();
            let wakes = page.keys.values().filter_map(Schedule::next_wake);
            let answers = page.answers.iter().map(|(at, ..)| *at);
            let changes = page.changes.iter().map(|(at, ..)| *at);
            let next = wakes.chain(answers).chain(changes).chain(events.peek().map(|event| event.at));
            let next = next.fold(script.until, f64::min);
            assert!(next > page.now, "stuck at {next} in: {}", script.name);
            page.now = next;
            page.arrive();
        }
        page.note();
        page
    }

    /// What is due now.
    fn arrive(&mut self) {
        while let Some(at) = self.answers.iter().position(|(at, ..)| *at <= self.now) {
            let (_, key, request, reply) = self.answers.remove(at);
            let answer = self.read(&key, reply);
            self.tell(&key, Input::Answered { request, answer, advised_ms: None });
        }
        while let Some(at) = self.changes.iter().position(|(at, ..)| *at <= self.now) {
            let (_, key, mutation, outcome, revalidate) = self.changes.remove(at);
            self.tell(&key, Input::Mutated { mutation, outcome, revalidate });
        }
        for key in self.keys.keys().cloned().collect::<Vec<_>>() {
            self.tell(&key, Input::Tick);
        }
    }

    /// As `cache.rs` does: the same text is the same data.
    fn read(&mut self, key: &str, reply: Reply) -> Answer {
        match (reply.data, reply.error) {
            (Some(data), _) if self.texts.get(key) == Some(&data) => Answer::Same,
            (Some(data), _) => {
                self.texts.insert(key.to_owned(), data.clone());
                Answer::Data(Rc::new(data))
            }
            (None, error) => {
                let failure = Failure { status: 500, message: error.unwrap_or_default() };
                Answer::Failed { failure, retry_after_ms: None }
            }
        }
    }

    fn perform(&mut self, action: &Action) {
        match action {
            Action::Mount { who, key, options, first } => {
                self.numbers += 1;
                let first = first.clone().map(|first| Rc::new(first) as Value);
                self.components.push(Component {
                    who: who.clone(),
                    id: self.numbers,
                    key: None,
                    rules: options.over(&self.script.options),
                    keeps: options.keeps() || self.script.options.keeps(),
                    begun: false,
                    last: first.clone(),
                    noted: None,
                });
                self.use_key(who, key.clone(), first);
            }
            Action::Unmount { who } => {
                self.use_key(who, None, None);
                self.components.retain(|component| component.who != *who);
            }
            Action::Key { who, key } => self.use_key(who, key.clone(), None),
            Action::Focus => self.tell_all(|| Input::Focus),
            Action::Hidden => {
                self.hidden = true;
                self.tell_all(|| Input::Hidden);
            }
            Action::Visible => {
                self.hidden = false;
                self.tell_all(|| Input::Visible);
            }
            Action::Offline => {
                self.offline = true;
                self.tell_all(|| Input::Offline);
            }
            Action::Online => {
                self.offline = false;
                self.tell_all(|| Input::Online);
            }
            Action::Mutate => self.tell("/one", Input::Revalidate),
            Action::Set { data, revalidate } => {
                let (mutation, revalidate) = (self.number(), *revalidate);
                self.tell("/one", Input::Mutate { mutation, optimistic: None });
                let outcome = Outcome::Data(Rc::new(data.clone()));
                self.tell("/one", Input::Mutated { mutation, outcome, revalidate });
            }
            Action::Change { takes, optimistic, data, fails, rollback, populate, revalidate } => {
                let mutation = self.number();
                let outcome = match data {
                    _ if *fails => Outcome::Failed { rollback: *rollback },
                    Some(data) if *populate => Outcome::Data(Rc::new(data.clone())),
                    _ => Outcome::Done,
                };
                self.changes.push((self.now + takes, "/one".into(), mutation, outcome, *revalidate));
                self.tell("/one", Input::Mutate { mutation, optimistic: Some(Rc::new(optimistic.clone())) });
            }
        }
    }

    fn use_key(&mut self, who: &str, key: Option<String>, first: Option<Value>) {
        let component = self.components.iter_mut().find(|component| component.who == who).expect("mounted");
        let (id, rules) = (component.id, component.rules.clone());
        let before = std::mem::replace(&mut component.key, key.clone());
        let initial = !component.begun;
        component.begun |= key.is_some();
        if let Some(before) = before {
            self.tell(&before, Input::Unmount(id));
        }
        if let Some(key) = key {
            self.keys.entry(key.clone()).or_insert_with(|| Schedule::new(self.hidden, self.offline));
            self.tell(&key, Input::Mount { id, rules, first, initial });
        }
    }

    fn tell_all(&mut self, input: fn() -> Input) {
        for key in self.keys.keys().cloned().collect::<Vec<_>>() {
            self.tell(&key, input());
        }
    }

    fn tell(&mut self, key: &str, input: Input) {
        let Some(schedule) = self.keys.get_mut(key) else { return };
        let Commands { cancel, ask } = schedule.handle(input, self.now, RANDOM);
        self.answers.retain(|(_, of, request, _)| of != key || Some(*request) != cancel);
        if let Some(request) = ask {
            let last = self.script.answers.len() - 1;
            let reply = self.script.answers[self.asked.len().min(last)].clone();
            self.answers.push((self.now + reply.after, key.to_owned(), request, reply));
            self.asked.push((self.now, key.to_owned()));
        }
    }

    /// What has changed for whom in this moment.
    fn note(&mut self) {
        for component in &mut self.components {
            let nothing = Shown { data: None, error: None, is_loading: false, is_validating: false };
            let shown = component.key.as_ref().map_or(nothing, |key| self.keys[key].shown(component.id));
            let shown = if component.keeps { shown.keeping(component.last.as_ref()) } else { shown };
            component.last = shown.data.clone();
            let who = component.who.clone();
            let error = shown.error.map(|error| error.message);
            let new = (0.0, who, shown.data.as_ref().map(text), error, shown.is_loading, shown.is_validating);
            if component.noted.as_ref() != Some(&new) {
                component.noted = Some(new.clone());
                self.shown.push((self.now, new.1, new.2, new.3, new.4, new.5));
            }
        }
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}
