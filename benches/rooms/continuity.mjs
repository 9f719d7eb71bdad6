// What must come next, for each socket and each room, and what did not. Pure: nothing here knows a socket or a clock.
//
// Tidemark says where a socket stands when it subscribes. The peers do not, and number from 1 as long as they run: there, a
// socket stands where its room stood before the first event that anybody was sent.

// A gap that is larger is counted at once and not looked at again, whatever arrives later.
const WATCHED = 1_000;

/** A room as far as anybody knows it. */
export class Room {
  epoch = null;
  /** The highest offset that is known to be there. */
  head = 0;
  /** Where it stood when we first heard of this epoch. */
  base = 0;
  /** The highest offset that arrived anywhere. */
  seen = 0;
  members = 0;
  #past = new Set();

  constructor(name) {
    this.name = name;
  }

  /** The room stands here, or further on. Epochs that ended before are told apart from a new one. */
  stands(epoch, offset) {
    if (epoch === this.epoch) {
      this.head = Math.max(this.head, offset);
    } else if (!this.#past.has(epoch)) {
      if (this.epoch !== null) this.#past.add(this.epoch);
      this.epoch = epoch;
      this.head = this.base = this.seen = offset;
    }
  }

  /** An event arrived somewhere. Whether nobody had it before. */
  arrived(epoch, offset) {
    if (this.epoch === null) this.stands(epoch, offset - 1);
    this.stands(epoch, offset);
    if (epoch !== this.epoch || offset <= this.seen) return false;
    this.seen = offset;
    return true;
  }
}

/** A socket's place in its room; it outlives connections. */
export class Place {
  epoch = null;
  offset = 0;
  /** Offsets that were left out and may still come; few sockets ever have any. */
  #left = null;

  /** Where the server says that this socket starts. One that has a place already keeps it: only a reset moves it. */
  start(epoch, offset) {
    if (this.epoch !== null) return;
    this.epoch = epoch;
    this.offset = offset;
  }

  /** Takes an event of the room and counts what is wrong with it. */
  follow(room, epoch, offset, counts) {
    if (this.epoch === null) this.start(room.epoch, room.base);
    if (epoch !== this.epoch) {
      counts.other_epochs += 1;
      this.reset(epoch, offset, counts);
    } else if (offset === this.offset + 1) {
      this.offset = offset;
    } else if (offset > this.offset) {
      this.#leaveOut(offset, counts);
      this.offset = offset;
    } else if (this.#left?.delete(offset)) {
      counts.late += 1;
    } else {
      counts.repeated += 1;
    }
  }

  /** The server says that there is no way on, and where to go on instead. What was left out before stays missing. */
  reset(epoch, offset, counts) {
    counts.missing += this.#left?.size ?? 0;
    this.#left = null;
    this.epoch = epoch;
    this.offset = offset;
  }

  #leaveOut(offset, counts) {
    counts.gaps += 1;
    const size = offset - this.offset - 1;
    if (size > WATCHED) {
      counts.missing += size;
      return;
    }
    this.#left ??= new Set();
    for (let left = this.offset + 1; left < offset; left += 1) this.#left.add(left);
  }

  /** How many events of the room have not arrived here. */
  missing(room) {
    return (this.#left?.size ?? 0) + this.behind(room);
  }

  /** How far the room's head is ahead. Of another epoch it is all that came in it, and one event at least. */
  behind(room) {
    if (room.epoch === null) return 0;
    if (this.epoch === null) return room.head - room.base;
    return this.epoch === room.epoch ? Math.max(room.head - this.offset, 0) : Math.max(room.head - room.base, 1);
  }
}
