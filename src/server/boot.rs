//! From nothing to serving and back: configuration, limits, tasks, the listener, signals, the drain.
//! Owns every task of the process.

use std::{
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, bail};
use clap::Parser;
use leptos::{config::get_configuration, prelude::LeptosOptions};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

use super::{
    asker,
    assets::Assets,
    command_line::{self, Command, CommandLine},
    config::{ClientAddress, Config},
    connections::{Connections, Limits},
    door::Door,
    features::{
        self,
        chat::Chats,
        conversations::Assistant,
        feed::Feed,
        housekeeping, inspector, keys,
        presence::{self, Presence},
        rooms,
        runs::Runs,
        sign_in::Post,
    },
    jobs, model,
    plain_forms::Typed,
    rate_limit::Writes,
    router::router,
    session,
    state::{AppState, Shared},
    store::{self, Store, StoreError},
    topics::Topics,
    transports::listener::{CountingListener, Peer},
};
use crate::wire::topic::Segment;

const CONFIG_FILE: &str = "Leptos.toml";

/// Topics without readers that nobody used for this long are removed.
const IDLE_SWEEP: Duration = Duration::from_secs(60);

const CLOCKS_DIFFER_MS: i64 = 5_000;

/// Durable topics in memory are compared with the store this often: another process may write to it.
const RECONCILE: Duration = Duration::from_secs(2);

pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidemark: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    // A missing `.env` is nothing; a broken one would silently change what is in force.
    match dotenvy::dotenv() {
        Err(error) if !error.not_found() => bail!(".env: {error}"),
        _ => {}
    }
    let command = CommandLine::parse().command.unwrap_or(Command::Serve);
    let config = Config::load(CONFIG_FILE)?;
    if !matches!(command, Command::Serve) {
        tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new("warn")?).with_writer(std::io::stderr).init();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(command_line::run(command, &config));
    }
    let leptos = leptos_options()?;
    tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(&config.log)?).with_writer(std::io::stderr).init();
    let data_dir = &config.data_dir;
    std::fs::create_dir_all(data_dir).with_context(|| format!("tidemark.data_dir = {}", data_dir.display()))?;
    let limits = limits(&config)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(config, leptos, limits))
}

async fn serve(config: Config, leptos: LeptosOptions, limits: Limits) -> anyhow::Result<()> {
    let address = leptos.site_addr;
    let listener = TcpListener::bind(address).await.with_context(|| format!("site-addr = {address}"))?;
    let address = listener.local_addr()?;
    let production = leptos.env == leptos::config::Env::PROD;
    let topics = Arc::<Topics>::default();
    let store = open_store(&config, &topics).await?;
    let settings = jobs::Settings {
        workers: config.jobs.workers as usize,
        results: config.data_dir.join("results"),
        room: jobs::Room {
            bytes_per_owner: u64::from(config.jobs.result_megabytes_per_person) * 1_000_000,
            bytes: u64::from(config.jobs.result_megabytes) * 1_000_000,
        },
        kinds: jobs::KINDS,
    };
    let models =
        model::set_up(config.assistant.providers(), model::Patience::default()).context("tidemark.assistant")?;
    let (system, ceilings) = (config.assistant.system_prompt.clone(), config.assistant.ceilings());
    let chats = Chats::new(models, system, ceilings, store.clone());
    let (runs, door) = (Runs::new(topics.clone()), Arc::<Door>::default());
    let state = AppState::new(Shared {
        assistant: Assistant::new(store.clone(), chats.clone(), runs.clone(), door.clone()),
        jobs: jobs::Jobs::new(store.clone(), settings, features::jobs::rules(store.clone(), chats.clone())),
        chats,
        runs,
        assets: Assets::find(&leptos)?,
        presence: Presence::new(topics.clone()),
        topics,
        key: session::key(&config.session_key, &config.data_dir)?,
        door,
        writes: Writes::new(config.limits.writes_per_minute),
        post: Post::new(&config.mail.smtp_url, &config.mail.from).context("tidemark.mail")?,
        store,
        connections: Connections::new(limits),
        feed: Feed::new(config.feed.interval_ms),
        inspector: config.inspector_is_on(production),
        started: SystemTime::now(),
        typed: Typed::default(),
        config,
        leptos,
    });
    let stop = CancellationToken::new();
    let tasks = spawn_tasks(&state, &stop);
    let listener = CountingListener {
        listener,
        connections: state.connections.clone(),
        heartbeat: Duration::from_millis(state.config.stream.heartbeat_ms),
    };
    let service = router(state.clone())?.into_make_service_with_connect_info::<Peer>();
    println!("{}", banner(&state, address));

    let draining = stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { draining.cancelled().await });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended??),
        signal = signalled() => tracing::info!("{signal}: draining"),
    }

    // The order: no new connections, goodbye to every stream, the features' tasks, what is still being answered. By
    // the deadline whatever is left is cut; the clients' cursors hold the place.
    stop.cancel();
    state.connections.drain();
    tasks.close();
    let deadline = Duration::from_millis(state.config.shutdown_ms);
    let drained = tokio::time::timeout(deadline, async { tokio::join!(tasks.wait(), &mut server) }).await;
    if drained.is_err() {
        tracing::warn!(open = state.connections.streams(), "not everyone had left by the deadline");
    }
    state.chats.close().await;
    state.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// The database, and the way from its commits to the topics.
async fn open_store(config: &Config, topics: &Arc<Topics>) -> anyhow::Result<Store> {
    let appended = topics.clone();
    let store = Store::open(&config.data_dir, Arc::new(move |events| appended.committed(events))).await;
    let store = store.with_context(|| format!("{} in {}", store::FILE, config.data_dir.display()))?;
    topics.attach(store.clone(), TaskTracker::new());
    rooms::found(&store).await.context("the lobby")?;
    Ok(store)
}

fn spawn_tasks(state: &AppState, stop: &CancellationToken) -> TaskTracker {
    let tasks = TaskTracker::new();
    {
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(async move { state.feed.run(&state.topics, &state.connections, stop).await });
    }
    if state.inspector {
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(async move { inspector::run(&state.topics, &state.connections, state.started, stop).await });
    }
    {
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(async move {
            // Since the last look that succeeded, however long ago that was: what ended meanwhile has to end here.
            let mut since = store::now_ms();
            while tokio::time::timeout(RECONCILE, stop.cancelled()).await.is_err() {
                match reconcile(&state, since).await {
                    Ok(now) => since = now,
                    Err(error) => tracing::error!(%error, "what other processes wrote could not be read"),
                }
            }
        });
    }
    {
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(
            async move { housekeeping::run(&state.store, &state.jobs, state.config.jobs.result_days, stop).await },
        );
    }
    if state.config.jobs.workers > 0 {
        let (jobs, stop) = (state.jobs.clone(), stop.clone());
        tasks.spawn(async move { jobs.run(stop).await });
    }
    {
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(async move {
            while tokio::time::timeout(presence::SWEEP, stop.cancelled()).await.is_err() {
                state.presence.sweep(Instant::now());
            }
        });
    }
    {
        let (runs, stop) = (state.runs.clone(), stop.clone());
        let grace = Duration::from_millis(state.config.shutdown_ms / 2);
        tasks.spawn(async move {
            stop.cancelled().await;
            runs.close(grace).await;
        });
    }
    let (topics, writes, post, chats) =
        (state.topics.clone(), state.writes.clone(), state.post.clone(), state.chats.clone());
    let stop = stop.clone();
    tasks.spawn(async move {
        while tokio::time::timeout(IDLE_SWEEP, stop.cancelled()).await.is_err() {
            topics.remove_idle();
            writes.forget_idle();
            post.forget_idle();
            chats.forget_idle();
        }
    });
    tasks
}

/// What another process wrote to the same database: events, and the ends of sessions and keys.
pub async fn reconcile(state: &AppState, since: i64) -> Result<i64, StoreError> {
    let now = store::now_ms();
    // A little further back than needed: closing what is closed does nothing, and clocks of processes differ.
    let (mut ended, keys) = state.store.ended_since(since - CLOCKS_DIFFER_MS).await?;
    ended.extend(keys.iter().map(|key| keys::Key::access(key)));
    for (room, person) in state.store.removed_since(since - CLOCKS_DIFFER_MS).await? {
        ended.push(rooms::access(&room, &person));
        if let Ok(room) = Segment::new(&room) {
            state.presence.expel(&room, &person);
        }
    }
    state.door.close(&ended);
    state.topics.reconcile().await?;
    state.assistant.end_abandoned().await?;
    asker::answer_in_rooms(state).await?;
    Ok(now)
}

async fn signalled() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        },
        // Without handlers the signals end the process by themselves.
        _ => std::future::pending().await,
    }
}

/// leptos' own settings: `Leptos.toml`, then `LEPTOS_*`. Without the file, the environment and leptos' defaults.
fn leptos_options() -> anyhow::Result<LeptosOptions> {
    let file = Path::new(CONFIG_FILE).exists().then_some(CONFIG_FILE);
    let configuration = get_configuration(file).map_err(|error| anyhow::anyhow!("leptos settings: {error}"))?;
    Ok(configuration.leptos_options)
}

/// Raises the limit of open files as far as the system lets us, and keeps a distance from it.
fn limits(config: &Config) -> anyhow::Result<Limits> {
    let files = rlimit::increase_nofile_limit(u64::MAX).context("the open-file limit cannot be read")?;
    let files = u32::try_from(files).unwrap_or(u32::MAX);
    let reserved = config.limits.reserved_files;
    let Some(sockets) = files.checked_sub(reserved).filter(|sockets| *sockets > reserved) else {
        bail!(
            "tidemark.limits.reserved_files = {reserved} is not allowed: less than half of the {files} files this \
             process may open (ulimit -n)"
        );
    };
    Ok(Limits {
        streams_per_address: config.limits.connections_per_address,
        sockets_per_address: match config.client_address {
            // Twice as many as streams: pages and requests come over others.
            ClientAddress::Peer => config.limits.connections_per_address.saturating_mul(2).saturating_add(64),
            // All come from the proxy.
            ClientAddress::XForwardedFor => u32::MAX,
        },
        sockets_for_streams: sockets - reserved,
        sockets,
    })
}

fn banner(state: &AppState, address: SocketAddr) -> String {
    let config = &state.config;
    let limits = &state.connections.limits;
    let origins = if config.allowed_origins.is_empty() { "none".into() } else { config.allowed_origins.join(", ") };
    let inspector = if state.inspector { format!("http://{address}/inspector") } else { "off".into() };
    format!(
        "\n  Tidemark {version} ({env:?})  http://{address}\n\n  \
         settings   {CONFIG_FILE}, then .env and TIDEMARK_* / LEPTOS_*\n  \
         data       {data}\n  \
         assistant  {assistant}\n  \
         feed       one sample every {interval} ms\n  \
         streams    up to {streams} at once, {per_address} from one address\n  \
         origins    {origins} besides our own\n  \
         inspector  {inspector}\n\n  \
         Try: open two tabs, press “Cut my connection” in one.\n  \
         Or:  curl -N http://{address}/api/stream\n",
        version = env!("CARGO_PKG_VERSION"),
        env = state.leptos.env,
        data = config.data_dir.display(),
        assistant = state.chats.models().default().name(),
        interval = config.feed.interval_ms,
        streams = limits.sockets_for_streams,
        per_address = limits.streams_per_address,
    )
}
