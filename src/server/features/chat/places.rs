//! The places for answers: so many for one person, for one address and in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Ceilings, ChatError, Payer, Whose};

#[derive(Debug, Default)]
pub struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    by: HashMap<String, u32>,
    all: u32,
}

/// One of them. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    pub payer: Payer,
}

impl Places {
    pub fn take(self: &Arc<Self>, payer: &Payer, ceilings: &Ceilings) -> Result<Place, ChatError> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= ceilings.answers_at_once {
            return Err(ChatError::Full);
        }
        for (whose, name, most) in
            whose(payer, ceilings.answers_at_once_per_person, ceilings.answers_at_once_per_address)
        {
            if taken.by.get(name).is_some_and(|taken| *taken >= most) {
                return Err(ChatError::AtOnce { whose, most });
            }
        }
        taken.all += 1;
        for (_, name, _) in whose(payer, 0, 0) {
            *taken.by.entry(name.to_owned()).or_default() += 1;
        }
        Ok(Place { places: self.clone(), payer: payer.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        for (_, name, _) in whose(&self.payer, 0, 0) {
            if let Some(own) = taken.by.get_mut(name) {
                *own -= 1;
                if *own == 0 {
                    taken.by.remove(name);
                }
            }
        }
    }
}

/// Under which names an answer counts, each once, and the ceiling of each.
pub fn whose<N>(payer: &Payer, person: N, address: N) -> impl Iterator<Item = (Whose, &str, N)> {
    let person = (!payer.is_address()).then_some((Whose::Person, payer.who.as_str(), person));
    person.into_iter().chain([(Whose::Address, payer.address.as_str(), address)])
}
