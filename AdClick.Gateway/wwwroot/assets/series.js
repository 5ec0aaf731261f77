// The buckets that are shown, kept in order while new ones come in.

const counts = (bucket) => [bucket.clicks, bucket.duplicates, bucket.late, bucket.invalid];

/** Buckets of one range. */
export class Series {
  /** @param {object} report Answer of the API, with empty buckets. */
  constructor(report) {
    this.from = Date.parse(report.from);
    this.to = Date.parse(report.to);
    this.completeThrough = Date.parse(report.completeThrough);
    this.buckets = report.series.map(withTime);
  }

  /**
   * Takes what has changed.
   * @param {object} event Data of an event `clicks`.
   * @param {number|null} span How much of the time is shown, in ms, where it moves on with the clock; null where it doesn't.
   * @returns {boolean} Whether a count has changed.
   */
  take(event, span) {
    this.completeThrough = Math.max(this.completeThrough, Date.parse(event.completeThrough));
    let isChanged = false;
    for (const bucket of event.series.map(withTime)) {
      const i = this.#indexOf(bucket.time);
      const old = this.buckets[i];
      if (old?.time === bucket.time) {
        isChanged ||= counts(old).some((n, k) => n !== counts(bucket)[k]);
        this.buckets[i] = bucket;
      } else if (bucket.time >= this.from && (span !== null || bucket.time < this.to)) {
        this.buckets.splice(i, 0, bucket);
        isChanged = true;
      }
    }

    const to = Date.parse(event.to);
    if (span !== null && to > this.to) {
      this.to = to;
      const first = this.buckets.findIndex((bucket, k) => (this.buckets[k + 1]?.time ?? to) > to - span);
      if (first > 0) {
        this.buckets.splice(0, first);
        this.from = this.buckets[0].time;
      }
    }

    return isChanged;
  }

  /** Sums over all buckets, invalid ones by reason. */
  total() {
    const sum = { clicks: 0, duplicates: 0, late: 0, invalid: 0, byReason: {} };
    for (const bucket of this.buckets) {
      sum.clicks += bucket.clicks;
      sum.duplicates += bucket.duplicates;
      sum.late += bucket.late;
      sum.invalid += bucket.invalid;
      for (const [reason, n] of Object.entries(bucket.invalidByReason)) {
        sum.byReason[reason] = (sum.byReason[reason] ?? 0) + n;
      }
    }

    return sum;
  }

  // The first bucket that does not begin before a time.
  #indexOf(time) {
    let low = 0;
    let high = this.buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.buckets[middle].time < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }

    return low;
  }
}

function withTime(bucket) {
  bucket.time = Date.parse(bucket.start);
  return bucket;
}
