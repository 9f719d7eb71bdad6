//! Signing in with a link: one that was mailed keeps a person over devices, one that is shown as a QR code brings a
//! session to a phone. A link works once, for a short time, and only after a button was pressed: programs that look at
//! links in mails use none up.
//!
//! Whether an address belongs to anybody cannot be told from outside: the answer, the work and the mail are the same.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{Quota, RateLimiter, clock::Clock, state::keyed::DashMapStateStore};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::server::{
    door::Door,
    features::keys::Key,
    store::{
        Store, StoreError,
        links::Target,
        people::{Found, Person},
    },
};

const MAILED_LASTS: Duration = Duration::from_secs(15 * 60);
const DEVICE_LASTS: Duration = Duration::from_secs(5 * 60);

/// Mails to one address in an hour.
const MAILS_PER_HOUR: u32 = 30;

/// A mail asked for by one person costs so many of those, one from an IP address so many: few may ask often, and nobody
/// can use up what another's address may get.
const PERSON_COSTS: u32 = 6;
const SOURCE_COSTS: u32 = 3;

/// An address has at most this many characters (RFC 5321, 4.5.3.1.3).
const EMAIL_CHARS: usize = 254;

#[derive(Debug, Error)]
pub enum SignInError {
    #[error("that is not an e-mail address")]
    Address,
    #[error("too many links were asked for; try again in {} minutes", .0.as_secs().div_ceil(60))]
    TooMany(Duration),
    #[error("the link was used already, or has expired; ask for another")]
    Spent,
    #[error("the mail could not be sent; try again in a moment")]
    Mail,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How links reach people.
pub struct Post {
    /// None: links are printed to the log, and shown in development.
    smtp: Option<AsyncSmtpTransport<Tokio1Executor>>,
    from: Mailbox,
    limits: RateLimiter<String, DashMapStateStore<String>, governor::clock::DefaultClock>,
}

impl Post {
    /// `smtp_url` as in `smtps://user:password@mail.example.com`; empty for the log.
    pub fn new(smtp_url: &str, from: &str) -> anyhow::Result<Arc<Self>> {
        let smtp = match smtp_url {
            "" => None,
            url => Some(AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.build()),
        };
        let per_hour = NonZeroU32::new(MAILS_PER_HOUR).unwrap_or(NonZeroU32::MIN);
        Ok(Arc::new(Self { smtp, from: from.parse()?, limits: RateLimiter::dashmap(Quota::per_hour(per_hour)) }))
    }

    /// Forgets whoever has their whole budget again.
    pub fn forget_idle(&self) {
        self.limits.retain_recent();
    }

    fn may_send(&self, who: &str, cost: u32) -> Result<(), SignInError> {
        let now = self.limits.clock().now();
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        match self.limits.check_key_n(&who.to_owned(), cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(SignInError::TooMany(not_until.wait_time_from(now))),
            Err(_) => Err(SignInError::TooMany(Duration::from_secs(60 * 60))),
        }
    }
}

/// Mails a link to an address. Where there is no mail, the link is in the log and is returned.
pub async fn mail_link(
    store: &Store,
    post: &Post,
    base: &str,
    asked_by: &Person,
    source: &str,
    email: &str,
) -> Result<Option<String>, SignInError> {
    let email = email.trim().to_lowercase();
    let address = email.parse::<Address>().map_err(|_| SignInError::Address)?;
    if email.chars().count() > EMAIL_CHARS {
        return Err(SignInError::Address);
    }
    post.may_send(&format!("person {}", asked_by.id), PERSON_COSTS)?;
    post.may_send(&format!("source {source}"), SOURCE_COSTS)?;
    post.may_send(&format!("email {email}"), 1)?;
    let link = make(store, base, Target { person: asked_by.id.clone(), email: Some(email) }, MAILED_LASTS).await?;
    let Some(smtp) = &post.smtp else {
        tracing::info!(%address, link, "no mail is configured; this is the link that would have been mailed");
        return Ok(Some(link));
    };
    let message = Message::builder()
        .from(post.from.clone())
        .to(Mailbox::new(None, address))
        .subject("Your link to Tidemark")
        .body(format!(
            "Somebody, probably you, asked for a link that signs you in:\n\n{link}\n\n\
             It works once, within 15 minutes. If it was not you, nothing has happened; you need do nothing.\n"
        ));
    let sent = match message {
        Ok(message) => smtp.send(message).await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    sent.map(|()| None).map_err(|error| {
        tracing::error!(error, "a mail could not be sent");
        SignInError::Mail
    })
}

/// A link that brings a person's own phone in.
pub async fn device_link(store: &Store, base: &str, person: &Person) -> Result<String, SignInError> {
    make(store, base, Target { person: person.id.clone(), email: None }, DEVICE_LASTS).await
}

async fn make(store: &Store, base: &str, target: Target, lasts: Duration) -> Result<String, SignInError> {
    let token = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    let hash = hash(&token);
    let lasts_ms = lasts.as_millis() as i64;
    store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.add_link(&hash, &target, lasts_ms).await }))
        .await?;
    Ok(format!("{base}/sign-in?token={token}"))
}

/// Whom a link leads to, and the address it was mailed to, while it can be used. Uses nothing up.
pub async fn leads_to(
    store: &Store,
    token: &str,
    now_ms: i64,
) -> Result<Option<(Person, Option<String>)>, SignInError> {
    let Some(Target { person, email }) = store.link(&hash(token), now_ms).await? else { return Ok(None) };
    Ok(store.person_known_as(email.as_deref(), &person).await?.map(|person| (person, email)))
}

/// Uses a link up, and returns the id of a session of whoever it leads to: a new one, because whoever knew the old one
/// must not come along. The old one ends.
///
/// An address that nobody has yet becomes that of the person who asked for the link: whoever opens it becomes them, and
/// never gives anything of their own away. An address that a person has is replaced only from a browser of theirs.
pub async fn use_link(store: &Store, door: &Arc<Door>, session: &str, token: &str) -> Result<String, SignInError> {
    let (hash, old) = (hash(token), session.to_owned());
    let new = format!("{:032x}", rand::random::<u128>());
    let opened = new.clone();
    let written = store.write::<_, SignInError, _>(move |tx| {
            Box::pin(async move {
                let mut ended = Vec::new();
                let Target { mut person, email } = tx.use_link(&hash).await?.ok_or(SignInError::Spent)?;
                if let Some(email) = email {
                    match tx.person_by_email(&email).await? {
                        Some(known) => person = known.id,
                        None => {
                            // Whoever asked is not always whoever opens the mail. If it was another browser, everything
                            // that leads to this person ends: what has an address belongs to whoever reads its mail.
                            let own = matches!(tx.session(&old).await?, Found::Person { person: asker, .. } if asker.id == person);
                            let has_one = tx.person(&person).await?.is_some_and(|person| person.email.is_some());
                            if !own && has_one {
                                return Err(SignInError::Spent);
                            }
                            if !own {
                                ended.extend(tx.revoke_keys(&person).await?.iter().map(|key| Key::access(key)));
                                ended.extend(tx.revoke_sessions(&person).await?);
                                tx.spend_links(&person).await?;
                            }
                            tx.set_email(&person, &email).await?;
                        }
                    }
                }
                tx.add_session(&opened, &person).await?;
                if let Found::Person { .. } = tx.session(&old).await? {
                    tx.revoke_session(&old).await?;
                }
                ended.push(old);
                Ok(ended)
            })
        });
    door.close(&written.await?);
    Ok(new)
}

fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The transport knows a password.
        f.debug_struct("Post").field("from", &self.from).finish_non_exhaustive()
    }
}
