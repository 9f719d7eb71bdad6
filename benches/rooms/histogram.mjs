// Latencies, counted in buckets of at most 1.6 % of their value, so that memory does not grow with the run. Pure.

// Each power of two is split into this many buckets.
const STEP_BITS = 6;
const STEPS = 1 << STEP_BITS;

// Values are microseconds. The largest that is told apart is half an hour.
const LARGEST = 2 ** 31 - 1;

export class Histogram {
  #buckets = new Float64Array(bucket(LARGEST) + 1);
  count = 0;
  max = 0;

  record(value) {
    const whole = Math.min(Math.max(Math.round(value), 0), LARGEST);
    this.#buckets[bucket(whole)] += 1;
    this.count += 1;
    this.max = Math.max(this.max, whole);
  }

  /** The value that this share (0 to 1) of all values does not exceed, rounded up to its bucket's end; 0 if empty. */
  quantile(share) {
    const rank = Math.max(Math.ceil(this.count * share), 1);
    let seen = 0;
    for (const [index, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(upper(index), this.max);
    }
    return this.max;
  }
}

/** Values below `STEPS` have a bucket each; above, the highest bits choose the power of two and the next six the step. */
function bucket(value) {
  const shift = Math.max(32 - Math.clz32(value) - STEP_BITS - 1, 0);
  return shift * STEPS + (value >>> shift);
}

/** The largest value that falls into this bucket. */
function upper(index) {
  const shift = Math.max(Math.floor(index / STEPS) - 1, 0);
  return (index - shift * STEPS + 1) * 2 ** shift - 1;
}
