// The operator's page: asks its node once a second how it and its cluster are doing.

import { getJson, withQuery } from './api.js';
import { byId, make, makeTable, setText } from './dom.js';
import * as format from './format.js';
import { startSession } from './session.js';
import { TrafficChart } from './trafficchart.js';

const everyMs = 1000;
const mostEvents = 200;

let key = null;
let timer = 0;
let asking = new AbortController();
let lastEvent = 0;
let startedAt = '';
let offsets = new Map();
let signOut;

const chart = new TrafficChart();
const fillNodes = makeTable(byId('nodes'), [{ title: 'Node' }, { title: 'Status' }, { title: 'Roles' }, { title: 'Partitions', number: true }], 'Nodes of the cluster');
const fillHot = makeTable(byId('hot'), [{ title: 'Ad' }, { title: 'Clicks/s', number: true }, { title: 'Issued/s', number: true }, { title: 'Sub-shards', number: true }], 'Busy and split ads');
const fillPartitions = makeTable(
  byId('partitions'),
  [{ title: 'No.' }, { title: 'State' }, { title: 'Owner' }, { title: 'Lag', number: true }, { title: 'Counted/s', number: true }, { title: 'Checkpoint', number: true },
    { title: 'Ads', number: true }, { title: 'Impressions', number: true }],
  'Partitions of the click log');

const tiles = {};

function makeTiles() {
  const tile = (name, title) => {
    tiles[name] = { value: make('b', { className: 'tile-value' }, '–'), note: make('span', { className: 'tile-note' }) };
    return make('div', { className: `tile ${name}` }, make('span', { className: 'tile-title' }, title), tiles[name].value, tiles[name].note);
  };
  byId('tiles').replaceChildren(tile('rate', 'Clicks per second'), tile('latency', 'Redirect, median'), tile('lag', 'Not counted yet'), tile('checkpoint', 'Oldest checkpoint'));
}

const fillTile = (name, value, note) => {
  setText(tiles[name].value, value);
  setText(tiles[name].note, note);
};

async function ask() {
  asking = new AbortController();
  try {
    const status = await getJson(key, withQuery('/v1/operator/status', { afterEvent: lastEvent || undefined }), { signal: AbortSignal.any([asking.signal, AbortSignal.timeout(10_000)]) });
    if (status.startedAt !== startedAt && startedAt) {
      // Another process: its lines are counted from 1 again.
      startedAt = '';
      lastEvent = 0;
      offsets = new Map();
    } else {
      startedAt = status.startedAt;
      show(status);
    }

    connected(true);
  } catch (error) {
    if (asking.signal.aborted) {
      return;
    }

    if (error.status && !error.isPassing) {
      signOut(error.message);
      return;
    }

    connected(false);
  }

  if (key) {
    timer = setTimeout(ask, everyMs);
  }
}

function show(status) {
  const now = Date.parse(status.time);
  const newest = status.redirects.slice(-5);
  const rate = newest.reduce((sum, second) => sum + second.valid + second.invalid, 0) / newest.length;
  const lag = status.partitions.reduce((sum, partition) => sum + (partition.lag ?? 0), 0);
  const ages = status.partitions.map((partition) => partition.checkpointAgeSeconds).filter((age) => age !== undefined);
  const running = status.partitions.filter((partition) => partition.state === 'running').length;
  fillTile('rate', format.decimal(rate), `${format.count(status.latency.redirects)} in the last minute, on this node`);
  fillTile('latency', format.milliseconds(status.latency.p50Ms), `95 %: ${format.milliseconds(status.latency.p95Ms)} · 99 %: ${format.milliseconds(status.latency.p99Ms)}`);
  fillTile('lag', format.count(lag), `records; ${format.count(running)} of ${format.count(status.partitions.length)} partitions count`);
  fillTile('checkpoint', ages.length > 0 ? format.span(Math.max(...ages)) : '–', 'a restart replays no more than this');
  setText(byId('node-name'), `${status.node ?? 'This node'} · version ${status.version} · up for ${format.span((now - Date.parse(status.startedAt)) / 1000)}`);
  chart.take(status.redirects);
  showHealth(status);
  fillNodes(status.nodes.map((node) => [
    node.node === status.node ? `${node.node} (this one)` : node.node,
    badge(node.reachable ? node.status : 'unreachable', node.reachable && node.status === 'up' ? 'good' : 'bad'),
    node.roles.join(', '),
    format.count(status.partitions.filter((partition) => partition.owner === node.node).length),
  ]), 'This node has not joined a cluster yet.');
  fillHot(status.hotAds.map((ad) => [ad.adId, format.decimal(ad.clicksPerSecond), format.decimal(ad.issuedPerSecond), ad.pinned ? `${format.count(ad.subShards)} (pinned)` : format.count(ad.subShards)]),
    'No ad is busy enough to be split.');
  showPartitions(status.partitions, now);
  showEvents(status.events);
}

function showHealth(status) {
  const items = [...status.reasons.map((text) => ['bad', text]), ...status.notices.map((text) => ['warn', text])];
  if (items.length === 0) {
    items.push(['good', 'Ready: takes clicks, counts and answers.']);
  }

  const text = JSON.stringify(items);
  if (byId('health').dataset.shown !== text) {
    byId('health').dataset.shown = text;
    byId('health').replaceChildren(...items.map(([kind, text]) => make('li', { className: kind }, text)));
  }
}

function showPartitions(partitions, now) {
  const before = offsets;
  offsets = new Map(partitions.map((partition) => [partition.partition, { at: now, next: partition.nextOffset }]));
  fillPartitions(partitions.map((partition) => {
    const old = before.get(partition.partition);
    const perSecond = old?.next !== undefined && partition.nextOffset >= old.next && now > old.at ? ((partition.nextOffset - old.next) * 1000) / (now - old.at) : undefined;
    const state = badge(partition.state, partition.state === 'running' && !partition.reason ? 'good' : partition.state === 'running' || partition.state === 'starting' ? 'warn' : 'bad');
    return [
      format.count(partition.partition),
      partition.reason ? make('span', {}, state, make('span', { className: 'reason' }, partition.reason)) : state,
      partition.owner ?? '–',
      partition.lag === undefined ? '–' : format.count(partition.lag),
      perSecond === undefined ? '–' : format.decimal(perSecond),
      format.span(partition.checkpointAgeSeconds),
      partition.ads === undefined ? '–' : format.count(partition.ads),
      partition.impressions === undefined ? '–' : format.count(partition.impressions),
    ];
  }));
}

function showEvents(events) {
  const list = byId('events');
  for (const event of events) {
    if (event.number <= lastEvent) {
      continue;
    }

    lastEvent = event.number;
    list.prepend(make('li', {},
      make('time', { dateTime: event.time }, format.time(Date.parse(event.time), undefined, 'clock')),
      badge(event.level, { Information: 'plain', Warning: 'warn' }[event.level] ?? 'bad'),
      make('span', { className: 'event-text' }, event.message, make('span', { className: 'event-category' }, event.category))));
    while (list.childElementCount > mostEvents) {
      list.lastElementChild.remove();
    }
  }
}

const badge = (text, kind) => make('span', { className: `badge ${kind}` }, text);

function connected(isConnected) {
  const element = byId('connection');
  element.dataset.state = isConnected ? 'live' : 'away';
  setText(element, isConnected ? 'Live' : 'Reconnecting…');
}

makeTiles();
signOut = startSession({
  check: (me) => (me.scope === 'admin' ? null : 'This page needs a key of scope admin.'),
  start: (newKey) => {
    key = newKey;
    ask();
  },
  stop: () => {
    key = null;
    asking.abort();
    clearTimeout(timer);
    chart.clear();
    byId('events').replaceChildren();
    byId('connection').textContent = '';
    lastEvent = 0;
    startedAt = '';
  },
});
