// What stands around the chart: totals, the largest ads, invalid clicks by reason, the numbers as a table.

import { byId, make, makeTable, setText } from './dom.js';
import * as format from './format.js';

const reasonTitles = { bot: 'Declared bots', expired: 'Expired impressions', inactive_ad: 'Paused or archived ads' };
const mostRows = 500;

// A part as a bar; the number stands beside it.
function bar(part) {
  const fill = make('span', { className: 'bar-fill' });
  fill.style.inlineSize = `${100 * part}%`;
  return make('span', { className: 'bar-cell', 'aria-hidden': 'true' }, fill);
}

/** Totals over what is shown. */
export class Totals {
  #tiles = {};

  constructor() {
    const tile = (name, title) => {
      const value = make('b', { className: 'tile-value' }, '–');
      const note = make('span', { className: 'tile-note' });
      this.#tiles[name] = { value, note };
      return make('div', { className: `tile ${name}` }, make('span', { className: 'tile-title' }, title), value, note);
    };
    byId('totals').replaceChildren(tile('clicks', 'Accepted'), tile('duplicates', 'Duplicates'), tile('invalid', 'Invalid'), tile('late', 'Late'));
  }

  show(total) {
    const all = total.clicks + total.duplicates + total.invalid + total.late;
    for (const name of ['clicks', 'duplicates', 'invalid', 'late']) {
      setText(this.#tiles[name].value, format.count(total[name]));
      setText(this.#tiles[name].note, all > 0 ? `${format.share(total[name], all)} of all clicks` : 'no clicks yet');
    }
  }
}

/** Invalid clicks by reason. */
export class Reasons {
  show(total) {
    const rows = Object.entries(reasonTitles).map(([reason, title]) => {
      const n = total.byReason[reason] ?? 0;
      return make('li', {},
        make('span', { className: 'reason-title' }, title),
        make('span', { className: 'reason-value' }, `${format.count(n)} · ${format.share(n, total.invalid)}`),
        bar(total.invalid > 0 ? n / total.invalid : 0));
    });
    byId('reasons').replaceChildren(make('ul', { className: 'reasons' }, ...rows));
  }
}

/** The largest ads. */
export class TopAds {
  #fill = makeTable(byId('top'), [{ title: 'Ad' }, { title: 'Accepted', number: true }, { title: 'Duplicates', number: true }, { title: 'Invalid', number: true }], 'Ads with the most accepted clicks');
  #onPick;

  /** @param {(adId: string) => void} onPick Hears which ad is to be shown alone. */
  constructor(onPick) {
    this.#onPick = onPick;
  }

  show(report, nameOf) {
    const most = Math.max(1, ...report.groups.map((group) => group.total.clicks));
    const focused = document.activeElement?.dataset?.ad;
    const rows = report.groups.map(({ adId, total }) => {
      const all = total.clicks + total.duplicates + total.invalid + total.late;
      const pick = make('button', { type: 'button', className: 'link', title: `Show ${nameOf(adId)} alone` }, nameOf(adId));
      pick.dataset.ad = adId;
      pick.addEventListener('click', () => this.#onPick(adId));
      return [make('span', { className: 'top-ad' }, pick, bar(total.clicks / most)), format.count(total.clicks), format.share(total.duplicates, all), format.share(total.invalid, all)];
    });
    const { others } = report;
    if (others.clicks + others.duplicates + others.invalid + others.late > 0) {
      const all = others.clicks + others.duplicates + others.invalid + others.late;
      rows.push(['All others', format.count(others.clicks), format.share(others.duplicates, all), format.share(others.invalid, all)]);
    }

    this.#fill(rows, 'No ad has been clicked in this time.');
    if (focused) {
      byId('top').querySelector(`[data-ad="${focused}"]`)?.focus();
    }
  }
}

/** The numbers of the chart, newest first; made when somebody looks. */
export class DataTable {
  #fill = makeTable(
    byId('table'),
    [{ title: 'Start' }, { title: 'Accepted', number: true }, { title: 'Duplicates', number: true }, { title: 'Late', number: true }, { title: 'Invalid', number: true }, { title: 'State' }],
    'Clicks by time, the newest first');
  #note = byId('table').appendChild(make('p', { className: 'empty' }));
  #shown = null;

  constructor() {
    byId('data').addEventListener('toggle', () => this.#draw());
  }

  show(series, view) {
    this.#shown = { series, view };
    this.#draw();
  }

  #draw() {
    if (!byId('data').open || !this.#shown) {
      return;
    }

    const { series, view } = this.#shown;
    const newest = series.buckets.slice(-mostRows).reverse();
    this.#fill(newest.map((bucket) => [
      format.bucketTime(bucket.time, view.zone, view.granularity),
      format.count(bucket.clicks),
      format.count(bucket.duplicates),
      format.count(bucket.late),
      format.count(bucket.invalid),
      bucket.state,
    ]));
    setText(this.#note, series.buckets.length > mostRows ? `The newest ${format.count(mostRows)} of ${format.count(series.buckets.length)} rows; the CSV has all of them.` : '');
  }
}
