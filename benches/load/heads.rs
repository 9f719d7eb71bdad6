//! Who is behind whom: a gap shows only when something follows it, so at the end everyone must get what anyone had.
//! Pure.

use std::collections::HashMap;

use super::{
    position::Order,
    subscription::{Subscription, Topic},
};

/// The highest offset that any subscription has read, of each topic (by its index) and epoch.
pub struct Heads(HashMap<(usize, u64), u64>);

impl Heads {
    pub fn of<'a>(subscriptions: impl Iterator<Item = &'a Subscription>) -> Self {
        let mut heads = HashMap::new();
        for subscription in subscriptions {
            for (topic, position) in subscription.positions().enumerate() {
                if let Some(position) = position {
                    let head = heads.entry((topic, position.epoch)).or_insert(position.offset);
                    *head = position.offset.max(*head);
                }
            }
        }
        Self(heads)
    }

    /// How many have not read so far. A latest is left out: what is its newest version, conflation decides.
    pub fn behind<'a>(&self, subscriptions: impl Iterator<Item = &'a Subscription>, topics: &[Topic]) -> u64 {
        let behind = |subscription: &&Subscription| {
            subscription.positions().zip(topics).enumerate().any(|(index, (position, topic))| {
                topic.order == Order::Consecutive
                    && position.is_some_and(|position| {
                        self.0.get(&(index, position.epoch)).is_some_and(|head| *head > position.offset)
                    })
            })
        };
        subscriptions.filter(behind).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{super::position::Position, *};

    #[test]
    fn whoever_has_read_less_of_the_same_log_is_behind() {
        let topics = |feed, epoch, quotes| {
            let topic = |name: &str, order, epoch, offset| Topic {
                name: name.into(),
                order,
                start: Some(Position { epoch, offset }),
            };
            [topic("feed", Order::Consecutive, epoch, feed), topic("quotes", Order::Rising, 1, quotes)]
        };
        let read = [topics(7, 1, 3), topics(6, 1, 9), topics(2, 2, 9)].map(|topics| Subscription::new(&topics));
        assert_eq!(Heads::of(read.iter()).behind(read.iter(), &topics(0, 0, 0)), 1);
    }
}
