//! The course of a run, on one thread: open all, settle, measure, wait for stragglers.
//! The only place that decides when a connection opens, drops and resumes.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{self, ErrorKind},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Events, Poll};

use super::{
    arguments::Arguments,
    connection::{Connection, State, said, source},
    heads::Heads,
    histogram::Histogram,
    pace::Pace,
    process::{self, Usage},
    random::Random,
    report::Report,
    tally::Tally,
    target::Resume,
};

/// After the last connection opened, before measurement begins: greetings and allocations are over by then.
const SETTLE: Duration = Duration::from_secs(2);

/// A connection that is not open after this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long, at the end, a connection may lag behind what the others have read.
const STRAGGLERS: Duration = Duration::from_secs(5);

/// Before a connection that the server dropped comes back: from here to twice as long.
const COME_BACK: Duration = Duration::from_secs(1);

/// Bytes read at once; all connections share the buffer.
const BUFFER: usize = 64 * 1024;

pub struct Run<'a> {
    arguments: &'a Arguments,
    stop: &'a AtomicBool,
    poll: Poll,
    connections: Vec<Connection>,
    /// Who comes back when.
    returns: BinaryHeap<Reverse<(Instant, usize)>>,
    buffer: Vec<u8>,
    tally: Tally,
    latencies: Histogram,
    /// Latencies count in the measured window only.
    measuring: bool,
    random: Random,
    swept: Instant,
    server_gone: bool,
}

impl<'a> Run<'a> {
    pub fn new(arguments: &'a Arguments, stop: &'a AtomicBool) -> io::Result<Self> {
        Ok(Self {
            arguments,
            stop,
            poll: Poll::new()?,
            connections: Vec::with_capacity(arguments.connections),
            returns: BinaryHeap::new(),
            buffer: vec![0; BUFFER],
            tally: Tally::default(),
            latencies: Histogram::new(),
            measuring: false,
            random: Random::default(),
            swept: Instant::now(),
            server_gone: false,
        })
    }

    pub fn run(mut self) -> io::Result<Report> {
        let mut events = Events::with_capacity(1_024);
        let before = self.server()?;
        let began = Instant::now();
        eprintln!(
            "opening {} connections, then measuring for {} s",
            self.arguments.connections, self.arguments.seconds
        );
        self.open_all(&mut events)?;
        let opening = began.elapsed();
        self.wait(&mut events, SETTLE)?;
        let (server, generator, counted, began) = (self.server()?, own_usage()?, self.tally.events, Instant::now());
        self.measure(&mut events)?;
        let (server_after, generator_after, window) = (self.server().unwrap_or(server), own_usage()?, began.elapsed());
        let deliveries = self.tally.events - counted;
        self.wait_for_stragglers(&mut events)?;
        Ok(Report {
            url: self.arguments.target.url.clone(),
            connections: self.arguments.connections,
            opening,
            window,
            deliveries,
            interrupted: self.stop.load(Ordering::Relaxed),
            server_gone: self.server_gone,
            server: before.zip(server).zip(server_after).map(|((before, start), end)| [before, start, end]),
            generator: [generator, generator_after],
            latencies: self.latencies,
            tally: self.tally,
        })
    }

    fn open_all(&mut self, events: &mut Events) -> io::Result<()> {
        let mut pace = Pace::new(Instant::now(), self.arguments.rate);
        while self.goes_on() {
            let now = Instant::now();
            while self.connections.len() < self.arguments.connections && pace.take(now) {
                let index = self.connections.len();
                self.connections.push(Connection::new(&self.arguments.target.topics, now));
                self.begin(index);
            }
            let all_begun = self.connections.len() == self.arguments.connections;
            if all_begun && self.tally.opened + self.tally.failed >= self.arguments.connections as u64 {
                break;
            }
            let next = if all_begun { None } else { pace.next() };
            self.turn(events, next.unwrap_or(now + COME_BACK))?;
        }
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while self.goes_on() && Instant::now() < end {
            self.turn(events, end)?;
        }
        Ok(())
    }

    fn measure(&mut self, events: &mut Events) -> io::Result<()> {
        self.measuring = true;
        let now = Instant::now();
        let end = now + Duration::from_secs(self.arguments.seconds);
        let mut churn = Pace::new(now, self.arguments.churn * self.arguments.connections as f64);
        while self.goes_on() && Instant::now() < end {
            while churn.take(Instant::now()) {
                self.drop_one();
            }
            self.turn(events, churn.next().unwrap_or(end).min(end))?;
        }
        self.measuring = false;
        Ok(())
    }

    /// A gap shows only when something follows it. So, at the end, everyone must be back and get what anyone had.
    fn wait_for_stragglers(&mut self, events: &mut Events) -> io::Result<()> {
        let heads = Heads::of(self.connections.iter().map(|connection| &connection.subscription));
        let end = Instant::now() + STRAGGLERS + Duration::from_secs_f64(self.arguments.away);
        loop {
            let known = self.connections.iter().filter(|connection| connection.known);
            let (open, away): (Vec<_>, Vec<_>) = known.partition(|connection| connection.state == State::Open);
            let open = open.into_iter().map(|connection| &connection.subscription);
            self.tally.behind = heads.behind(open, &self.arguments.target.topics) + away.len() as u64;
            if self.tally.behind == 0 || !self.goes_on() || Instant::now() >= end {
                return Ok(());
            }
            self.turn(events, Instant::now() + Duration::from_millis(50))?;
        }
    }

    /// One round: whatever is due, then whatever the sockets say, until `wake` at most.
    fn turn(&mut self, events: &mut Events, wake: Instant) -> io::Result<()> {
        let now = Instant::now();
        if now.duration_since(self.swept) >= Duration::from_secs(1) {
            self.sweep(now);
        }
        while self.returns.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            if let Some(Reverse((_, index))) = self.returns.pop() {
                self.begin(index);
            }
        }
        let wake = self.returns.peek().map_or(wake, |Reverse((at, _))| wake.min(*at)).min(now + COME_BACK);
        match self.poll.poll(events, Some(wake.saturating_duration_since(now))) {
            // A signal; whoever asked us to stop has said so in `stop`.
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in events.iter() {
            self.handle(event);
        }
        Ok(())
    }

    fn handle(&mut self, event: &mio::event::Event) {
        let index = event.token().0;
        let Self { connections, tally, latencies, buffer, .. } = self;
        let (Some(connection), target) = (connections.get_mut(index), &self.arguments.target) else { return };
        let before = connection.state;
        let resume = if index.is_multiple_of(2) { Resume::Header } else { Resume::Url };
        let ready = connection.ready(event, target, resume, self.poll.registry(), buffer, |subscription, frame| {
            let latency = subscription.read(frame, &target.topics, now_us(), tally);
            if let (Some(latency), true) = (latency, self.measuring) {
                latencies.record(latency);
            }
        });
        if before != State::Open && connection.state == State::Open {
            tally.opened += u64::from(!connection.known);
            tally.resumes += u64::from(connection.known);
            connection.known = true;
        }
        if let Err(reason) = ready {
            self.ended(index, reason);
        }
    }

    fn begin(&mut self, index: usize) {
        let Arguments { target, sources, .. } = self.arguments;
        let Some(connection) = self.connections.get_mut(index) else { return };
        connection.subscription.begin(now_us() / 1_000);
        let source = source(index, *sources);
        if let Err(error) = connection.begin(target.address, source, index, self.poll.registry()) {
            self.ended(index, said(error));
        }
    }

    /// A stream ended and we had not meant it to. One that had never opened has failed; others come back.
    fn ended(&mut self, index: usize, reason: String) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        self.tally.because(reason);
        self.tally.drops += u64::from(connection.state == State::Open);
        connection.close();
        if connection.known {
            let pause = COME_BACK.mul_f64(1.0 + self.random.share());
            self.returns.push(Reverse((Instant::now() + pause, index)));
        } else {
            self.tally.failed += 1;
        }
    }

    /// Drops a connection picked by chance, to come back after a while.
    fn drop_one(&mut self) {
        // Most are open: a few tries find one.
        for _ in 0..8 {
            let index = self.random.below(self.connections.len());
            let Some(connection) = self.connections.get_mut(index) else { return };
            if connection.state == State::Open && connection.subscription.can_resume() {
                connection.close();
                self.tally.churned += 1;
                let away = Duration::from_secs_f64(self.arguments.away * self.random.share());
                self.returns.push(Reverse((Instant::now() + away, index)));
                return;
            }
        }
    }

    /// Once a second: gives up on connections that never open, and notices that the server has died.
    fn sweep(&mut self, now: Instant) {
        self.swept = now;
        let overdue = |c: &Connection| {
            matches!(c.state, State::Connecting | State::Asked) && now.duration_since(c.since) > PATIENCE
        };
        let overdue: Vec<_> = (0..self.connections.len()).filter(|index| overdue(&self.connections[*index])).collect();
        for index in overdue {
            self.ended(index, format!("no answer within {} s", PATIENCE.as_secs()));
        }
        self.server_gone |= self.arguments.pid.is_some_and(|pid| process::usage(pid).is_err());
    }

    fn goes_on(&self) -> bool {
        let none_left = self.tally.failed >= self.arguments.connections as u64;
        !none_left && !self.server_gone && !self.stop.load(Ordering::Relaxed)
    }

    fn server(&self) -> io::Result<Option<Usage>> {
        self.arguments.pid.map(process::usage).transpose()
    }
}

fn own_usage() -> io::Result<Usage> {
    process::usage(std::process::id())
}

/// Wall-clock time, because that is what events carry; server and generator share one machine and so one clock.
fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
