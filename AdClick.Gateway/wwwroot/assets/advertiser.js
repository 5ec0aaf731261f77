// The advertiser's page: reads what is asked for, draws it, and follows what comes.

import { call, getJson, withQuery } from './api.js';
import { ClicksChart } from './chart.js';
import { Controls } from './controls.js';
import { byId, setText } from './dom.js';
import * as format from './format.js';
import { follow } from './live.js';
import { DataTable, Reasons, TopAds, Totals } from './panels.js';
import { Series } from './series.js';
import { startSession } from './session.js';
import * as views from './view.js';

const topAds = 10;
const topEveryMs = 4_000;
const reloadEveryMs = 5 * 60_000; // late clicks and reconciliations change buckets that the stream no longer follows
const followed = { minute: 150, 'quarter-hour': 14, hour: 5, day: 3 }; // what the usual allowed lateness leaves open, and some more

let key = null;
let me = null;
let view = null;
let series = null;
let loading = new AbortController();
let stopFollowing = () => {};
let signOut;
const timers = { reload: 0, top: 0 };

const chart = new ClicksChart();
const totals = new Totals();
const reasons = new Reasons();
const table = new DataTable();
const top = new TopAds((adId) => change({ ...view, ads: [adId] }));
const controls = new Controls(change);

const pathOf = (view, live) => (view.ads.length === 1
  ? `/v1/ads/${encodeURIComponent(view.ads[0])}/clicks${live}`
  : `/v1/advertisers/${encodeURIComponent(view.advertiser)}/clicks${live}`);
const adsOf = (view) => (view.ads.length > 1 ? view.ads.join(',') : undefined);
const iso = (ms) => new Date(ms).toISOString();

function change(next) {
  const hash = views.write(next);
  if (hash !== location.hash) {
    history.pushState(null, '', hash);
  }

  show(next);
}

function show(next) {
  const isOther = next.advertiser !== view?.advertiser;
  view = next;
  controls.show(view);
  if (isOther && view.advertiser) {
    loadAds();
  }

  load();
}

async function loadAds() {
  const advertiser = view.advertiser;
  const ads = [];
  let cursor;
  try {
    do {
      const page = await getJson(key, withQuery(`/v1/advertisers/${encodeURIComponent(advertiser)}/ads`, { limit: 1000, cursor }));
      ads.push(...page.ads);
      cursor = page.nextCursor;
    } while (cursor && ads.length < 10_000);
  } catch {
    return; // the numbers come without names; what is wrong is told by the call for those
  }

  if (view?.advertiser === advertiser) {
    controls.setAds(ads);
    loadTop();
  }
}

async function loadAdvertisers() {
  const found = new Set();
  let cursor;
  do {
    const page = await getJson(key, withQuery('/v1/ads', { limit: 1000, cursor }));
    page.ads.forEach((ad) => found.add(ad.advertiserId));
    cursor = page.nextCursor;
  } while (cursor && found.size < 500);
  controls.setAdvertisers([...found].sort());
  return [...found].sort()[0];
}

async function load() {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  stopFollowing();
  clearTimeout(timers.reload);
  if (!view.advertiser) {
    fail(new Error('There is no ad yet. PUT /v1/ads/{adId} makes the first.'));
    return;
  }

  byId('dashboard').setAttribute('aria-busy', 'true');
  try {
    await read(signal);
    tell('');
    if (views.isLive(view, Date.now())) {
      followFrom();
      timers.reload = setTimeout(reload, reloadEveryMs);
    } else {
      connected(null);
    }
  } catch (error) {
    if (error.name !== 'AbortError') {
      fail(error);
    }
  } finally {
    if (!signal.aborted) {
      byId('dashboard').removeAttribute('aria-busy');
    }
  }
}

// All that is shown, again, while the stream goes on.
async function reload() {
  clearTimeout(timers.reload);
  timers.reload = setTimeout(reload, reloadEveryMs);
  try {
    await read(loading.signal);
  } catch (error) {
    if (error.status && !error.isPassing) {
      fail(error);
    }
  }
}

async function read(signal) {
  const [from, to] = views.spanOf(view, Date.now());
  const report = await getJson(key, withQuery(pathOf(view, ''), {
    from: iso(from), to: iso(to), granularity: view.granularity, timeZone: view.zone, fill: 'zero', ads: adsOf(view),
  }), { signal });
  signal.throwIfAborted();
  series = new Series(report);
  draw();
  await loadTop(signal);
}

async function loadTop(signal = loading.signal) {
  clearTimeout(timers.top);
  timers.top = 0;
  if (!series) {
    return;
  }

  try {
    const report = await getJson(key, withQuery(`/v1/advertisers/${encodeURIComponent(view.advertiser)}/clicks`, {
      from: iso(series.from), to: iso(series.to), granularity: view.granularity, timeZone: view.zone, groupBy: 'ad', series: 'none', top: topAds, ads: view.ads.join(','),
    }), { signal });
    top.show(report, (adId) => controls.nameOf(adId));
  } catch (error) {
    if (error.status && !error.isPassing) {
      throw error;
    }
  }
}

function draw() {
  chart.show(series, view);
  const total = series.total();
  totals.show(total);
  reasons.show(total);
  table.show(series, view);
  setText(byId('complete'), series.completeThrough > 0 ? `Complete up to ${format.time(series.completeThrough, view.zone, 'second')}` : 'Not complete yet');
}

function followFrom() {
  let events = 0;
  const path = withQuery(pathOf(view, '/live'), {
    granularity: view.granularity, timeZone: view.zone, buckets: followed[view.granularity], ads: adsOf(view),
  });
  stopFollowing = follow(key, path, {
    onConnection: connected,
    onRefused: fail,
    onEvent: (name, data) => {
      if (name === 'problem') {
        tell(`${data.detail} The numbers stand still meanwhile.`);
        return;
      }

      tell('');
      if (data.reset && events++ > 0) {
        reload(); // the stream was cut for longer than it remembers
      }

      const span = view.range === 'custom' ? null : views.ranges[view.range].span;
      if (series.take(data, span) && timers.top === 0) {
        timers.top = setTimeout(() => loadTop().catch(fail), topEveryMs);
      }

      draw();
    },
  });
}

function connected(isConnected) {
  const element = byId('connection');
  element.dataset.state = isConnected === null ? 'past' : isConnected ? 'live' : 'away';
  setText(element, isConnected === null ? 'Past range' : isConnected ? 'Live' : 'Reconnecting…');
}

function tell(text) {
  setText(byId('problem'), text);
}

function fail(error) {
  if (error.status === 401) {
    signOut(error.message);
    return;
  }

  stopFollowing();
  tell(error.message);
  connected(false);
  setText(byId('connection'), error.isPassing ? 'Reconnecting…' : '');
  if (error.isPassing) {
    clearTimeout(timers.reload);
    timers.reload = setTimeout(load, (error.retryAfterSeconds ?? 2) * 1000);
  } else {
    series = null;
    chart.clear();
  }
}

async function saveCsv() {
  if (!series) {
    return;
  }

  try {
    const response = await call(key, withQuery(pathOf(view, ''), {
      from: iso(series.from), to: iso(series.to), granularity: view.granularity, timeZone: view.zone, fill: 'zero', ads: adsOf(view),
    }), { headers: { Accept: 'text/csv' } });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await response.blob());
    const day = (ms) => format.toLocalInput(ms, view.zone).replace(/[-:]/g, '');
    link.download = `clicks-${view.ads.length === 1 ? view.ads[0] : view.advertiser}-${day(series.from)}-${day(series.to)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    fail(error);
  }
}

async function copyLink() {
  const button = byId('copy-link');
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Copy the address bar';
  }

  setTimeout(() => (button.textContent = 'Copy link'), 2000);
}

async function start(newKey, newMe) {
  key = newKey;
  me = newMe;
  const wanted = views.read(location.hash);
  if (me.scope === 'advertiser') {
    wanted.advertiser = me.advertiserId;
  } else {
    const first = await loadAdvertisers().catch(() => '');
    wanted.advertiser ||= first ?? '';
  }

  history.replaceState(null, '', views.write(wanted));
  show(wanted);
}

function stop() {
  key = null;
  view = null;
  series = null;
  loading.abort();
  stopFollowing();
  clearTimeout(timers.reload);
  clearTimeout(timers.top);
  chart.clear();
  tell('');
  byId('connection').textContent = '';
}

window.addEventListener('popstate', () => {
  if (key) {
    const wanted = views.read(location.hash);
    show(me.scope === 'advertiser' ? { ...wanted, advertiser: me.advertiserId } : wanted);
  }
});
byId('csv').addEventListener('click', saveCsv);
byId('copy-link').addEventListener('click', copyLink);
signOut = startSession({
  check: (me) => (me.scope === 'publisher' ? 'This key issues impressions; it can\'t read clicks. Ask for one of scope advertiser.' : null),
  start,
  stop,
});
