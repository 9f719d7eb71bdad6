//! Rows of rooms, their members and invitations.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx, people};
use crate::{server::store::people::Person, wire::room::UNREAD_COUNTED};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    pub id: String,
    pub title: String,
    pub private: bool,
    pub owner: Option<String>,
    pub archived: bool,
}

/// A room as the list of one person's rooms shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub room: RoomRow,
    pub member: bool,
    /// Messages of others that this one has not seen, counted up to [`UNREAD_COUNTED`]; of rooms they never entered, none.
    pub unread: u32,
    /// Of the newest message, in milliseconds since 1970.
    pub newest_ms: Option<i64>,
}

impl Store {
    pub async fn room(&self, id: &str) -> Result<Option<RoomRow>, StoreError> {
        let mut read = self.reads.acquire().await?;
        room(&mut read, id).await
    }

    pub async fn is_member(&self, room: &str, person: &str) -> Result<bool, StoreError> {
        let mut read = self.reads.acquire().await?;
        Ok(read_mark(&mut read, room, person).await?.is_some())
    }

    /// Room and person of everybody who has been no member of a private room since this time, in milliseconds since 1970.
    pub async fn removed_since(&self, ms: i64) -> Result<Vec<(String, String)>, StoreError> {
        let removed = sqlx::query_as(
            "SELECT removal.room_id, removal.person_id FROM removal JOIN room ON room.id = removal.room_id \
             WHERE removal.removed_ms >= $1 AND room.private",
        );
        Ok(removed.bind(ms).fetch_all(&self.reads).await?)
    }

    /// The public rooms, and the private ones of this person; those with the newest messages first.
    pub async fn rooms_of(&self, person: &str, most: u32) -> Result<Vec<Listed>, StoreError> {
        let rows = sqlx::query(
            "SELECT room.id, room.title, room.private, room.owner_id, room.archived_ms, member.read_id, \
             (SELECT created_ms FROM message WHERE message.room_id = room.id ORDER BY id DESC LIMIT 1), \
             (SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE message.room_id = room.id AND message.id > member.read_id \
              AND message.author_id <> $1 AND message.deleted_ms IS NULL LIMIT $3)) \
             FROM room LEFT JOIN member ON member.room_id = room.id AND member.person_id = $1 \
             WHERE (NOT room.private OR member.person_id IS NOT NULL) \
             AND (room.archived_ms IS NULL OR member.person_id IS NOT NULL) \
             ORDER BY room.archived_ms IS NOT NULL, 7 DESC, room.created_ms LIMIT $2",
        )
        .bind(person)
        .bind(most)
        .bind(UNREAD_COUNTED)
        .fetch_all(&self.reads)
        .await?;
        Ok(rows
            .iter()
            .map(|row| Listed {
                room: room_row(row),
                member: row.get::<Option<i64>, _>(5).is_some(),
                unread: row.get::<Option<i64>, _>(7).map_or(0, |unread| u32::try_from(unread).unwrap_or(u32::MAX)),
                newest_ms: row.get(6),
            })
            .collect())
    }

    /// Members in the order of their coming.
    pub async fn members(&self, room: &str, most: u32) -> Result<Vec<Person>, StoreError> {
        let rows = sqlx::query(
            "SELECT person.id, person.name, person.hue, person.email FROM member \
             JOIN person ON person.id = member.person_id WHERE member.room_id = $1 ORDER BY member.joined_ms LIMIT $2",
        )
        .bind(room)
        .bind(most)
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.iter().map(people::person).collect())
    }

    /// The room that a living invitation leads to.
    pub async fn invitation(&self, hash: &str, now_ms: i64) -> Result<Option<RoomRow>, StoreError> {
        let row = sqlx::query(
            "SELECT room.id, room.title, room.private, room.owner_id, room.archived_ms FROM invitation \
             JOIN room ON room.id = invitation.room_id WHERE invitation.hash = $1 AND invitation.expires_ms > $2",
        )
        .bind(hash)
        .bind(now_ms)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.as_ref().map(room_row))
    }
}

impl Tx {
    pub async fn room(&mut self, id: &str) -> Result<Option<RoomRow>, StoreError> {
        room(&mut self.connection, id).await
    }

    /// Whether it is new.
    pub async fn add_room(&mut self, row: &RoomRow) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO room (id, title, private, owner_id, created_ms) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.title)
        .bind(row.private)
        .bind(&row.owner)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    pub async fn rooms_owned(&mut self, person: &str) -> Result<u32, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM room WHERE owner_id = $1")
            .bind(person)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub async fn rename_room(&mut self, id: &str, title: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE room SET title = $1 WHERE id = $2")
            .bind(title)
            .bind(id)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn archive_room(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE room SET archived_ms = $1 WHERE id = $2 AND archived_ms IS NULL")
            .bind(self.now_ms)
            .bind(id)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// What a member has seen; nothing of somebody who is none.
    pub async fn read_mark(&mut self, room: &str, person: &str) -> Result<Option<u64>, StoreError> {
        read_mark(&mut self.connection, room, person).await
    }

    /// Whether they are new.
    pub async fn add_member(&mut self, room: &str, person: &str) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO member (room_id, person_id, joined_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(room)
        .bind(person)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        let new = added.rows_affected() > 0;
        if new {
            sqlx::query("DELETE FROM removal WHERE room_id = $1 AND person_id = $2")
                .bind(room)
                .bind(person)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(new)
    }

    /// Whether they were one. Other processes learn of it from [`Store::removed_since`].
    pub async fn remove_member(&mut self, room: &str, person: &str) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM member WHERE room_id = $1 AND person_id = $2")
            .bind(room)
            .bind(person)
            .execute(&mut self.connection)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO removal (room_id, person_id, removed_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (room_id, person_id) DO UPDATE SET removed_ms = excluded.removed_ms",
        )
        .bind(room)
        .bind(person)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(true)
    }

    /// Forgets removals from before this time, in milliseconds since 1970.
    pub async fn forget_removals(&mut self, before_ms: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM removal WHERE removed_ms < $1").bind(before_ms).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Notes what a member has seen. It never goes back.
    pub async fn note_read(&mut self, room: &str, person: &str, message: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE member SET read_id = $1 WHERE room_id = $2 AND person_id = $3 AND read_id < $1")
            .bind(i64::try_from(message).unwrap_or(i64::MAX))
            .bind(room)
            .bind(person)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Replaces the room's invitation.
    pub async fn set_invitation(&mut self, room: &str, hash: &str, expires_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO invitation (room_id, hash, expires_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (room_id) DO UPDATE SET hash = excluded.hash, expires_ms = excluded.expires_ms",
        )
        .bind(room)
        .bind(hash)
        .bind(expires_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// The room that a living invitation leads to.
    pub async fn invitation(&mut self, hash: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT room_id FROM invitation WHERE hash = $1 AND expires_ms > $2")
            .bind(hash)
            .bind(self.now_ms)
            .fetch_optional(&mut self.connection)
            .await?)
    }
}

/// What a member has seen; nothing of somebody who is none.
pub async fn read_mark(connection: &mut Connection, room: &str, person: &str) -> Result<Option<u64>, StoreError> {
    let mark: Option<i64> = sqlx::query_scalar("SELECT read_id FROM member WHERE room_id = $1 AND person_id = $2")
        .bind(room)
        .bind(person)
        .fetch_optional(connection)
        .await?;
    Ok(mark.map(|mark| mark as u64))
}

pub async fn room(connection: &mut Connection, id: &str) -> Result<Option<RoomRow>, StoreError> {
    let row = sqlx::query("SELECT id, title, private, owner_id, archived_ms FROM room WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(room_row))
}

fn room_row(row: &SqliteRow) -> RoomRow {
    RoomRow {
        id: row.get(0),
        title: row.get(1),
        private: row.get(2),
        owner: row.get(3),
        archived: row.get::<Option<i64>, _>(4).is_some(),
    }
}
