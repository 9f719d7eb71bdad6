//! The command line: `tidemark` serves; the other commands work on the same configuration and data, also while a
//! server is running on them.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};

use super::{
    config::Config,
    demo,
    door::Door,
    features::keys,
    session,
    store::{self, Store},
};

#[derive(Debug, Parser)]
#[command(version, about = "Real-time patterns that resume from the exact mark where they stopped.")]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve pages and streams (what happens without a command)
    Serve,
    /// Bring the database up to date, and stop
    Migrate,
    /// Add demo people with notifications, named as such; twice is once
    Seed {
        /// And so many public rooms, load-0 and on, for load tests
        #[arg(long, default_value_t = 0)]
        rooms: u32,
        /// And so many messages over the past year, in a room of their own
        #[arg(long, default_value_t = 0)]
        messages: u32,
    },
    /// API keys for other programs
    #[command(subcommand)]
    Keys(Keys),
    /// Copy the database as it is now, also while a server uses it
    Backup {
        /// A file that does not exist yet
        to: PathBuf,
    },
    /// Check the configuration and the store, and say what is wrong
    Check,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and print it, once
    Create {
        /// What it is for
        name: String,
        /// What it may do, as publish:channel/shop/* or read:user/*
        #[arg(required = true)]
        grants: Vec<String>,
    },
    /// List all keys
    List,
    /// End a key; what is being delivered by it stops within seconds
    Revoke { id: String },
}

/// Runs a command that is not serving.
pub async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    if let Command::Check = command {
        return check(config).await;
    }
    let store = open(config).await?;
    let done = work(command, &store).await;
    store.close().await;
    done
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("tidemark.data_dir = {}", config.data_dir.display()))?;
    let store = Store::open(&config.data_dir, Arc::new(|_| {})).await;
    store.with_context(|| format!("{} in {}", store::FILE, config.data_dir.display()))
}

async fn work(command: Command, store: &Store) -> anyhow::Result<()> {
    match command {
        // Opening it was the work.
        Command::Serve | Command::Check | Command::Migrate => println!("The database is up to date."),
        Command::Seed { rooms, messages } => {
            println!("{} demo people were added.", demo::people(store).await?);
            if rooms > 0 {
                println!("{} demo rooms were added.", demo::rooms(store, rooms).await?);
            }
            if messages > 0 {
                println!(
                    "{} demo messages were added to /rooms/{}.",
                    demo::messages(store, messages).await?,
                    demo::ARCHIVE
                );
            }
        }
        Command::Keys(Keys::Create { name, grants }) => {
            println!("{}", keys::create(store, &name, &grants.join(" "), None).await?);
            eprintln!("Keep it: it is not stored and cannot be shown again.");
        }
        Command::Keys(Keys::List) => {
            for key in store.keys(None).await? {
                let state = if key.revoked_ms.is_some() { "revoked" } else { "alive" };
                println!("{}  {state:<8} {:<30} {}", key.id, key.name, key.grants);
            }
        }
        Command::Keys(Keys::Revoke { id }) => {
            keys::revoke(store, &Arc::<Door>::default(), &id, None).await?;
            println!("Revoked.");
        }
        Command::Backup { to } => {
            if to.exists() {
                bail!("{} exists already; a backup never overwrites", to.display());
            }
            store.backup(&to).await?;
            println!(
                "{} is a copy of the database. To use it, put it into a data folder as {}.",
                to.display(),
                store::FILE
            );
        }
    }
    Ok(())
}

async fn check(config: &Config) -> anyhow::Result<()> {
    println!("configuration  valid");
    session::key(&config.session_key, &config.data_dir)?;
    println!("session key    readable");
    let store = open(config).await?;
    let sound = store.check().await;
    store.close().await;
    sound?;
    println!("database       sound and up to date");
    Ok(())
}
