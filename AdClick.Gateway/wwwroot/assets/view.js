// What is shown: ads, range, granularity, time zone. It stands in the address after the #, so that a link restores it; the key never does.

import { isZone } from './format.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths of buckets, in ms; of a day, about. */
export const widths = { minute, 'quarter-hour': 15 * minute, hour, day };

/** Ranges up to now, each with the granularity that suits it. */
export const ranges = {
  '1h': { title: '1 h', long: 'Last hour', span: hour, granularity: 'minute' },
  '6h': { title: '6 h', long: 'Last 6 hours', span: 6 * hour, granularity: 'minute' },
  '24h': { title: '24 h', long: 'Last 24 hours', span: day, granularity: 'quarter-hour' },
  '7d': { title: '7 d', long: 'Last 7 days', span: 7 * day, granularity: 'hour' },
  '30d': { title: '30 d', long: 'Last 30 days', span: 30 * day, granularity: 'day' },
  '1y': { title: '1 y', long: 'Last year', span: 365 * day, granularity: 'day' },
};

const mostBuckets = 9_900; // the API's 10,000, and room for the alignment at both ends
const readersZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What is shown when nothing else is asked for. */
export const standard = { advertiser: '', ads: [], range: '24h', granularity: 'quarter-hour', zone: isZone(readersZone) ? readersZone : 'UTC', from: NaN, to: NaN };

/** Granularities that fit a range. */
export function granularitiesOf(view) {
  const span = view.range === 'custom' ? view.to - view.from : ranges[view.range].span;
  return Object.keys(widths).filter((name) => span / widths[name] <= mostBuckets && (span >= widths[name] || name === 'minute'));
}

/** The view with a granularity that fits its range. */
export function fitted(view) {
  const fitting = granularitiesOf(view);
  return fitting.includes(view.granularity) ? view : { ...view, granularity: view.range === 'custom' ? fitting[0] : ranges[view.range].granularity };
}

/** Start and end, in ms; the end of a range that goes on is now. */
export const spanOf = (view, now) => (view.range === 'custom' ? [view.from, view.to] : [now - ranges[view.range].span, now]);

/** Whether new clicks belong to it. */
export const isLive = (view, now) => view.range !== 'custom' || view.to > now;

/** The view that a link asks for; what it doesn't say, or says wrong, is as usual. */
export function read(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const view = { ...standard };
  const id = /^[A-Za-z0-9_-]{1,64}$/;
  if (id.test(parameters.get('advertiser') ?? '')) {
    view.advertiser = parameters.get('advertiser');
  }

  view.ads = (parameters.get('ads') ?? '').split(',').filter((ad) => id.test(ad)).slice(0, 50);
  const from = Date.parse(parameters.get('from') ?? '');
  const to = Date.parse(parameters.get('to') ?? '');
  if (from < to) {
    Object.assign(view, { range: 'custom', from, to });
  } else if (Object.hasOwn(ranges, parameters.get('range') ?? '')) {
    view.range = parameters.get('range');
  }

  view.granularity = parameters.get('by') ?? (view.range === 'custom' ? 'hour' : ranges[view.range].granularity);
  if (isZone(parameters.get('zone') ?? '')) {
    view.zone = parameters.get('zone');
  }

  return fitted(view);
}

/** The hash of a view. */
export function write(view) {
  const parameters = new URLSearchParams();
  if (view.advertiser) {
    parameters.set('advertiser', view.advertiser);
  }

  if (view.ads.length > 0) {
    parameters.set('ads', view.ads.join(','));
  }

  if (view.range === 'custom') {
    parameters.set('from', new Date(view.from).toISOString());
    parameters.set('to', new Date(view.to).toISOString());
  } else {
    parameters.set('range', view.range);
  }

  parameters.set('by', view.granularity);
  parameters.set('zone', view.zone);
  return `#${parameters}`;
}
